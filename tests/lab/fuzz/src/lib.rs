//! What the targets check about an input, so that the corpus can be replayed without a fuzzer.

use perennial_reference::{Ref, Reference, Template, is_reference};

/// Reads the input as a reference and as a template: whatever is read must print, read back equal,
/// and print the same again.
///
/// # Panics
///
/// If a promise of the grammar does not hold.
pub fn reference(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Ref::parse(text) {
        Ok(borrowed) => {
            assert!(is_reference(text));
            let owned = Reference::parse(text).expect("it was read a moment ago");
            assert_eq!(owned.parts(), &borrowed);
            assert_eq!(owned.as_str(), borrowed.to_string());
            let again = Reference::parse(owned.as_str()).expect("what is printed can be read");
            assert_eq!(again, owned);
            assert_eq!(again.parts(), owned.parts());
            assert_eq!(again.parts().to_string(), owned.as_str());
        }
        Err(error) => {
            assert!(error.offset() <= text.len());
            assert_eq!(Reference::parse(text), Err(error));
        }
    }
    match Template::parse(text) {
        Ok(template) => {
            let printed = template.to_string();
            let again = Template::parse(&printed).expect("what is printed can be read");
            assert_eq!(again, template);
            assert_eq!(again.to_string(), printed);
        }
        Err(error) => assert!(error.offset() <= text.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_corpus_of_references_holds_no_surprise() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/reference");
        let inputs: Vec<_> = fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
        assert!(!inputs.is_empty());
        for input in inputs {
            super::reference(&fs::read(input.path()).unwrap());
        }
    }
}
