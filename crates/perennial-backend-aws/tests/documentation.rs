//! What the documents say about the settings is what the code has.

#![cfg(test)]

use std::path::Path;

use perennial_backend_aws::SETTINGS;
use perennial_testkit::assert_documented;

#[test]
fn the_tables_of_settings_are_those_of_the_code() {
    for document in ["README.md", "../../docs/backends/aws.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
        assert_documented(&SETTINGS, &std::fs::read_to_string(path).unwrap());
    }
}
