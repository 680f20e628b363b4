//! The word that was probably meant.

/// How many edits lie between two words, regardless of case; any number above 3 for words that are far apart.
pub(super) fn distance(written: &str, known: &str) -> usize {
    const FAR: usize = 4;
    if written.len().abs_diff(known.len()) >= FAR {
        return FAR;
    }
    strsim::damerau_levenshtein(&written.to_lowercase(), &known.to_lowercase())
}

/// The known word that was probably meant.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let close = |word: &str| distance(written, word).min(singular(written, word));
    let best = known.into_iter().map(|word| (close(word), word)).min()?;
    (best.0 <= (written.chars().count() / 3).clamp(1, 3)).then_some(best.1)
}

/// `image` for `images`: one edit, however short the word.
fn singular(written: &str, known: &str) -> usize {
    if written.strip_suffix('s') == Some(known) || known.strip_suffix('s') == Some(written) { 1 } else { usize::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_suggested() {
        let known = ["image", "replicas", "ports", "containerPort", "env"];
        for (written, expected) in [
            ("imgae", Some("image")),
            ("replica", Some("replicas")),
            ("containerport", Some("containerPort")),
            ("Env", Some("env")),
            ("cpu", None),
            ("volumes", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
    }
}
