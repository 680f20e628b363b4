//! Webhooks: headers and bodies of each forge. Nobody without the token is believed, whatever they send, and nobody again long
//! after.

use gitmoor::webhook::{
    About, Delivery, Encoding, Event, Forge, Proof, Token, Verdict, compose, is_unsigned_test, printable, sender,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// One of each sort: the bytes themselves, and base64 that is signed with as the Standard Webhooks specification has it.
const TOKENS: [&str; 2] = ["a token that is in no corpus: 3f6d2a", "whsec_bm8gY29ycHVzIGhhcyB0aGlz"];
const NOW: i64 = 1_790_000_000;
/// How far two clocks may be apart, in seconds.
const APART: i64 = 300;

pub fn run(data: &[u8]) {
    let (headers, body) = apart(data);
    for token in TOKENS {
        let token = Token::new(token).expect("it is not empty");
        heard(&headers, body, &token);
        made(data, &token);
    }
}

/// Lines of headers, an empty line, and a body.
fn apart(data: &[u8]) -> (HeaderMap, &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((&[][..], data), |at| (&data[..at], &data[at + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii())) {
            headers.append(name, value);
        }
    }
    (headers, body)
}

fn heard(headers: &HeaderMap, body: &[u8], token: &Token) {
    match Proof::of(headers) {
        Ok(proof) => {
            let verdict = proof.verify(body, std::slice::from_ref(token), NOW);
            assert_eq!(verdict, Verdict::Wrong, "nobody knows the token");
            assert_eq!(format!("{proof:?}"), "Proof(…)", "a proof prints nothing");
        }
        Err(unproven) => assert!(unproven.sentence().len() < 200),
    }
    is_unsigned_test(headers);
    let peer = [127, 0, 0, 1].into();
    sender(peer, headers, &["0.0.0.0/0".parse().expect("it is a network")]);
    assert_eq!(sender(peer, headers, &[]), peer, "a stranger is not believed about others");
    for encoding in [Encoding::Json, Encoding::Form] {
        let delivery = Delivery::of(headers, encoding, body);
        assert_eq!(delivery, Delivery::of(headers, encoding, body), "the same is heard twice");
        assert!(delivery.id.is_none_or(|id| !id.is_empty() && id.len() <= 256));
        let said = match delivery.event {
            Event::Ping => Vec::new(),
            // Each stands in the body, which is bounded; a lossless one is no longer than that.
            Event::Push(refs) => {
                assert!(
                    refs.iter().map(String::len).sum::<usize>() <= 3 * body.len() + refs.len() * "refs/heads/".len()
                );
                refs
            }
            Event::Other(word) => vec![word],
        };
        for said in said {
            let line = printable(&said);
            assert!(line.chars().count() <= 200 && !line.chars().any(char::is_control), "{line:?}");
        }
    }
}

/// What is made for a forge is heard, and no byte of it can be another.
fn made(data: &[u8], token: &Token) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let forge = Forge::ALL[usize::from(*first) % Forge::ALL.len()];
    let reference = format!("refs/heads/{}", String::from_utf8_lossy(rest));
    let about = About { reference: &reference, id: "d-1", now: NOW };
    let composed = compose(forge, token, &about);
    let pairs = composed.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value));
    let headers: HeaderMap = pairs.map(|(name, value)| (name, value.parse().expect("it is a value"))).collect();
    let proof = Proof::of(&headers).expect("it is signed");
    let mut body = composed.body.into_bytes();
    assert_eq!(proof.verify(&body, std::slice::from_ref(token), about.now), Verdict::Genuine, "{forge:?}");
    // Where the time is signed, too, whoever has kept a delivery cannot send it again later.
    for late in [APART, -APART, APART + 1, -APART - 1, 365 * 24 * 3600, i64::MIN, i64::MAX] {
        let stale = late.unsigned_abs() > APART.unsigned_abs() && headers.contains_key("webhook-timestamp");
        let expected = if stale { Verdict::Stale } else { Verdict::Genuine };
        let then = about.now.saturating_add(late);
        assert_eq!(proof.verify(&body, std::slice::from_ref(token), then), expected, "{forge:?} {late}");
    }
    let delivery = Delivery::of(&headers, Encoding::of(&headers).expect("it has a type"), &body);
    assert_eq!(delivery.event, Event::Push(vec![reference.clone()]), "{forge:?}");
    // Azure DevOps, and GitLab with a token of the first sort, send the token itself, which says nothing of the body.
    let signed = !["x-gitlab-token", "authorization"].iter().any(|header| headers.contains_key(*header));
    if signed {
        let at = rest.len() % body.len();
        body[at] ^= 1;
        assert_eq!(proof.verify(&body, std::slice::from_ref(token), about.now), Verdict::Wrong, "{forge:?}");
    }
}
