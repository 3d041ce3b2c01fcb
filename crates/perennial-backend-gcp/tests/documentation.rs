//! What the documents say about the settings is what the code has.

#![cfg(test)]

use perennial_backend_gcp::SETTINGS;
use perennial_testkit::assert_documented;

#[test]
fn the_table_of_settings_is_that_of_the_code() {
    assert_documented(&SETTINGS, include_str!("../../../docs/backends/gcp.md"));
}
