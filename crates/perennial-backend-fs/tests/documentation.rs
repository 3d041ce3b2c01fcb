//! What the documents say about the settings is what the code has.

#![cfg(test)]

use std::path::Path;

use perennial_backend_fs::SETTINGS;

const DOCUMENTS: &[&str] = &["README.md", "../../docs/backends/fs.md"];

#[test]
fn the_tables_of_settings_are_those_of_the_code() {
    let expected: Vec<_> = SETTINGS
        .fields()
        .iter()
        .map(|field| {
            let default = match (field.default(), field.is_required()) {
                (Some(value), _) => format!("`{value}`"),
                (None, true) => "required".to_owned(),
                (None, false) => "–".to_owned(),
            };
            format!(
                "| `{}` | {} | {default} | {} |",
                field.name(),
                field.kind().as_str(),
                field.summary()
            )
        })
        .collect();
    for document in DOCUMENTS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
        let text = std::fs::read_to_string(&path).unwrap();
        let table: Vec<_> = text
            .lines()
            .skip_while(|line| !line.starts_with("| setting |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .collect();
        assert_eq!(table, expected, "{document}");
    }
}
