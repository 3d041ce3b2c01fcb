//! The changelog: its *Unreleased* section, and how that becomes a release.

/// How the heading of what is not released yet reads, without its number signs.
const UNRELEASED: &str = "Unreleased";

/// What the *Unreleased* section holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreleased {
    /// How many entries there are.
    pub(super) entries: usize,
    /// Whether there is a section on what breaks, with an entry.
    pub(super) breaking: bool,
}

/// Reads the *Unreleased* section.
pub(super) fn unreleased(text: &str) -> Result<Unreleased, String> {
    let mut lines = text.lines().skip_while(|line| !is_unreleased(line));
    lines
        .next()
        .ok_or_else(|| format!("the changelog has no heading `## {UNRELEASED}`: add it"))?;
    let mut found = Unreleased {
        entries: 0,
        breaking: false,
    };
    let mut in_breaking = false;
    for line in lines.take_while(|line| !line.starts_with("## ")) {
        if let Some(heading) = line.strip_prefix("### ") {
            in_breaking = heading.to_lowercase().starts_with("breaking");
        } else if line.starts_with("- ") || line.starts_with("* ") {
            found.entries += 1;
            found.breaking |= in_breaking;
        }
    }
    Ok(found)
}

/// Turns *Unreleased* into a dated release, with an empty *Unreleased* above it.
pub(super) fn released(text: &str, version: &str, date: &str) -> String {
    let mut out = String::with_capacity(text.len() + 40);
    for line in text.lines() {
        out += line;
        out.push('\n');
        if is_unreleased(line) {
            out += &format!("\n## {version} ({date})\n");
        }
    }
    out
}

fn is_unreleased(line: &str) -> bool {
    let heading = line
        .strip_prefix("## ")
        .map(|rest| rest.trim().trim_matches(['[', ']', '*']));
    heading.is_some_and(|name| name.eq_ignore_ascii_case(UNRELEASED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "# Changelog\n\n## Unreleased\n\n### Added\n\n- a\n- b\n\n## 0.1.0 (2026-01-02)\n\n### Breaking\n\n- z\n";

    #[test]
    fn only_what_is_unreleased_counts() {
        assert_eq!(
            unreleased(LOG).unwrap(),
            Unreleased {
                entries: 2,
                breaking: false
            }
        );
        let broken = LOG.replace("### Added", "### Breaking");
        assert_eq!(
            unreleased(&broken).unwrap(),
            Unreleased {
                entries: 2,
                breaking: true
            }
        );
        let empty = LOG.replace("- a\n- b\n", "");
        assert_eq!(unreleased(&empty).unwrap().entries, 0);
        assert!(unreleased("# Changelog\n").is_err());
    }

    #[test]
    fn a_release_leaves_an_empty_section_above() {
        let text = released(LOG, "0.2.0", "2026-03-04");
        assert!(
            text.contains("## Unreleased\n\n## 0.2.0 (2026-03-04)\n\n### Added\n\n- a"),
            "{text}"
        );
        assert_eq!(unreleased(&text).unwrap().entries, 0);
    }
}
