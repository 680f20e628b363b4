//! Just enough of a shell's grammar to see which commands a block of a page has, and with which words.

/// The commands of a session: what follows a prompt, with the lines that continue it.
pub fn session(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let begins = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# gitmoor ").map(|_| &line[2..]));
        match begins {
            Some(begin) => commands.push(begin.to_owned()),
            None if goes_on => {
                if let Some(last) = commands.last_mut() {
                    last.push('\n');
                    last.push_str(line);
                }
            }
            None => continue,
        }
        goes_on = line.ends_with('\\');
    }
    commands
}

/// The commands of a script: each line, with those that continue it.
pub fn script(text: &str) -> Vec<String> {
    let prompted: String = text
        .lines()
        .scan(false, |goes_on, line| {
            let prompt = if *goes_on || line.is_empty() || line.starts_with('#') { "" } else { "$ " };
            *goes_on = line.ends_with('\\');
            Some(format!("{prompt}{line}\n"))
        })
        .collect();
    session(&prompted)
}

/// The simple commands of a line, as words. What stands for something else (`$X`, `$(…)`) is the word `x`.
pub fn simple(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut letters = line.chars().peekable();
    let mut quote = None;
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None) if letters.peek() == Some(&'\n') => drop(letters.next()),
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(letters.next()),
            ('$', None | Some('"')) => {
                skip_expansion(&mut letters);
                word.get_or_insert_default().push('x');
            }
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, Some(open)) if letter == open => quote = None,
            (letter, Some(_)) => word.get_or_insert_default().push(letter),
            ('#', None) if word.is_none() => break,
            ('|' | ';' | '&' | '(' | ')' | '\n', None) => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (blank, None) if blank.is_whitespace() => words.extend(word.take()),
            (letter, None) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word.take());
    commands.push(words);
    let plain = commands.into_iter().map(without_rim);
    plain.filter(|words| !words.is_empty()).collect()
}

/// Without what comes before a command and where its output goes.
fn without_rim(words: Vec<String>) -> Vec<String> {
    let is_assignment = |word: &String| {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
    };
    let mut words = words.into_iter().skip_while(is_assignment);
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let target = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
        match target.trim_start_matches(['>', '<']) {
            rest if rest.len() == target.len() => kept.push(word),
            "" => drop(words.next()),
            _ => {}
        }
    }
    kept
}

fn skip_expansion(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match letters.peek() {
        Some('(' | '{') => {
            let mut depth = 0;
            for letter in letters.by_ref() {
                match letter {
                    '(' | '{' => depth += 1,
                    ')' | '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        }
        _ => while letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_').is_some() {},
    }
}

#[test]
fn commands_are_found_in_what_pages_show() {
    let check = |line: &str, expected: &[&[&str]]| assert_eq!(simple(line), expected, "{line}");
    check("gitmoor status", &[&["gitmoor", "status"]]);
    check("A=1 gitmoor pause shop/orders --reason \"a b\"", &[&["gitmoor", "pause", "shop/orders", "--reason", "a b"]]);
    check("gitmoor crds | kubectl apply -f -", &[&["gitmoor", "crds"], &["kubectl", "apply", "-f", "-"]]);
    check("cd x && gitmoor diff 2>/dev/null > out", &[&["cd", "x"], &["gitmoor", "diff"]]);
    check("gitmoor history $(a (b)) \"$X\"  # why", &[&["gitmoor", "history", "x", "x"]]);
    check("gitmoor run \\\n  --url 'it is'", &[&["gitmoor", "run", "--url", "it is"]]);
    assert_eq!(session("$ a \\\n  b\nout\n$ c\n"), ["a \\\n  b", "c"]);
    assert_eq!(script("# no\na \\\n  b\n\nc\n"), ["a \\\n  b", "c"]);
}
