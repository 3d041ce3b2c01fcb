//! What a backend's documents say about its settings is what its code has.

use perennial_backend::{Field, Settings};

const HEAD: &str = "| setting | takes | default | meaning |";

/// Checks that the table of settings in a document is that of the code: the head
/// `| setting | takes | default | meaning |`, a line of dashes, and one row for each field in the
/// order of the code. A required field has `required` as its default, one without a default `–`.
///
/// # Panics
/// If the table is not there, or is another one; the message shows the rows that should be there.
#[track_caller]
pub fn assert_documented(settings: &Settings, document: &str) {
    let found: Vec<_> = document
        .lines()
        .skip_while(|line| *line != HEAD)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected: Vec<_> = settings.fields().iter().map(row).collect();
    assert_eq!(found, expected, "the table below `{HEAD}`");
}

fn row(field: &Field) -> String {
    let default = match (field.default(), field.is_required()) {
        (Some(value), _) => format!("`{value}`"),
        (None, true) => "required".to_owned(),
        (None, false) => "–".to_owned(),
    };
    let (name, takes, meaning) = (field.name(), field.kind().as_str(), field.summary());
    format!("| `{name}` | {takes} | {default} | {meaning} |")
}

#[cfg(test)]
mod tests {
    use perennial_backend::FieldKind;

    use super::*;

    const SETTINGS: Settings = Settings::new("acme", "secrets of Acme", &[ADDRESS, REGION, TOKEN]);
    const ADDRESS: Field = Field::new("address", FieldKind::Url, "Where it is.").required();
    const REGION: Field =
        Field::new("region", FieldKind::Text, "Which part of it.").with_default("eu");
    const TOKEN: Field = Field::new("token", FieldKind::Text, "What it knows us by.");
    const TABLE: &str = "\
| setting | takes | default | meaning |
| --- | --- | --- | --- |
| `address` | url | required | Where it is. |
| `region` | text | `eu` | Which part of it. |
| `token` | text | – | What it knows us by. |
";

    #[test]
    fn the_table_of_the_code_passes_wherever_it_stands() {
        assert_documented(&SETTINGS, TABLE);
        assert_documented(
            &SETTINGS,
            &format!("# Acme\n\n| a | b |\n\n{TABLE}\n| c |\n"),
        );
    }

    #[test]
    fn every_other_table_is_refused() {
        let without = |line: usize| -> String {
            let lines = TABLE.lines().enumerate();
            lines
                .filter(|(index, _)| *index != line)
                .map(|(_, line)| format!("{line}\n"))
                .collect()
        };
        let mut wrong: Vec<_> = [0, 2, 3, 4].into_iter().map(without).collect();
        wrong.push(format!(
            "{TABLE}| `more` | text | – | What is not there. |\n"
        ));
        wrong.push(TABLE.replace("`eu`", "`us`"));
        wrong.push(String::new());
        for document in wrong {
            let checked = std::panic::catch_unwind(|| assert_documented(&SETTINGS, &document));
            assert!(checked.is_err(), "{document}");
        }
    }
}
