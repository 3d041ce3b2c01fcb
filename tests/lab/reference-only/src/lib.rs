//! A user of the grammar alone, without `std`; the test target `layers` looks at what comes along.
#![no_std]

use perennial_reference::{ParseError, Ref};

/// Returns the vault that a text refers to.
///
/// # Errors
///
/// If the text is no reference.
pub fn vault(text: &str) -> Result<Option<&'static str>, ParseError> {
    let reference = Ref::parse(text)?;
    Ok(["aws", "env"]
        .into_iter()
        .find(|vault| *vault == reference.vault()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_grammar_is_enough_to_read_a_reference() {
        assert_eq!(super::vault("{vault://aws/db/password}"), Ok(Some("aws")));
        assert_eq!(super::vault("{vault://hcv/db/password}"), Ok(None));
        assert!(super::vault("{vault://hcv}").is_err());
    }
}
