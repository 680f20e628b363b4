//! The command that lets a held plan go on, as it is shown and told. It runs nothing.

/// The command that approves a plan; none where a hash could be more than a word to a shell that it is pasted into.
pub fn command(name: &str, plan: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let word = !plan.is_empty() && plan.len() <= 128 && !plan.starts_with('-') && plan.chars().all(plain);
    word.then(|| format!("gitmoor approve {name} --plan {plan}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_a_word_to_a_shell_is_no_command() {
        let known = Some("gitmoor approve shop/main --plan 0123abcd".to_owned());
        assert_eq!(command("shop/main", "0123abcd"), known);
        for plan in ["", "a b", "a;rm", "$(x)", "`x`", "--help", "a\nb", "ä", &"a".repeat(129)] {
            assert_eq!(command("shop/main", plan), None, "{plan:?}");
        }
    }
}
