//! Letters of texts from Git and from clusters: which of them do something instead of showing something. What is made of one,
//! each printer decides.

/// Whether a terminal or a page acts on a character, or shows nothing for it: controls, what turns the direction of reading,
/// and what Unicode calls ignorable (`Default_Ignorable_Code_Point`), in which whole sentences can be hidden. The two selectors
/// that emoji have are left.
pub fn is_active(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_or_is_not_seen_is_told_from_what_is_shown() {
        for active in [
            '\0',
            '\n',
            '\t',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b5}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{3164}',
            '\u{fe00}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{e01ef}',
        ] {
            assert!(is_active(active), "{active:?}");
        }
        for shown in
            ['a', ' ', '\u{a0}', 'ü', 'ß', '漢', '✓', '→', '…', '\u{301}', '\u{fe0e}', '\u{fe0f}', '\u{fffd}', '🚀']
        {
            assert!(!is_active(shown), "{shown:?}");
        }
    }
}
