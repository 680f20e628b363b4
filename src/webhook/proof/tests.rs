//! Headers, one case at a time.

use super::*;

/// RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?".
const RFC: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
const RFC_BODY: &[u8] = b"what do ya want for nothing?";

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in all {
        let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(http::HeaderName::try_from(*name).unwrap(), value);
    }
    headers
}

/// What is made of these headers with that body, and one token.
fn check(sent: &[(&str, &str)], body: &[u8], known: &str, now: i64, expected: Result<Verdict, Unproven>) {
    let verdict = Proof::of(&headers(sent)).map(|proof| proof.verify(body, &[token(known)], now));
    assert_eq!(verdict, expected, "{sent:?}");
}

#[test]
fn the_documented_example_of_each_sender_is_genuine() {
    const SECRET: &str = "It's a Secret to Everybody";
    let github = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let bitbucket = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
    let genuine = Ok(Verdict::Genuine);
    check(&[("x-hub-signature-256", github)], b"Hello, World!", SECRET, 0, genuine);
    check(&[("x-hub-signature", bitbucket)], b"Hello World!", SECRET, 0, genuine);
    let standard = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    check(&standard, br#"{"test": 2432232314}"#, key, 1_614_265_330, genuine);
    check(&standard, br#"{"test": 2432232315}"#, key, 1_614_265_330, Ok(Verdict::Wrong));
}

#[test]
fn each_header_is_read_in_its_own_form() {
    let prefixed = format!("sha256={RFC}");
    let upper = format!("sha256={}", RFC.to_uppercase());
    let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair.as_bytes()));
    let malformed = |header| Err(Unproven::Malformed(header));
    let cases: Vec<(&'static str, String, Result<Verdict, Unproven>)> = vec![
        ("x-hub-signature-256", prefixed.clone(), Ok(Verdict::Genuine)),
        ("x-hub-signature-256", upper, Ok(Verdict::Genuine)),
        ("x-hub-signature-256", RFC.into(), malformed("x-hub-signature-256")),
        ("x-hub-signature-256", format!("sha256= {RFC}"), malformed("x-hub-signature-256")),
        ("x-hub-signature-256", format!("{prefixed}00"), malformed("x-hub-signature-256")),
        ("x-hub-signature-256", prefixed[..70].into(), malformed("x-hub-signature-256")),
        ("x-hub-signature-256", String::new(), malformed("x-hub-signature-256")),
        ("x-forgejo-signature", RFC.into(), Ok(Verdict::Genuine)),
        ("x-gitea-signature", RFC.into(), Ok(Verdict::Genuine)),
        ("x-gitea-signature", prefixed.clone(), malformed("x-gitea-signature")),
        ("x-gogs-signature", RFC.into(), Ok(Verdict::Genuine)),
        ("x-hub-signature", prefixed.clone(), Ok(Verdict::Genuine)),
        ("x-hub-signature", format!("sha1={}", &RFC[..40]), malformed("x-hub-signature")),
        ("x-signature", prefixed, Ok(Verdict::Genuine)),
        ("x-signature", format!("sha512={RFC}"), malformed("x-signature")),
        ("x-gitlab-token", "Jefe".into(), Ok(Verdict::Genuine)),
        ("x-gitlab-token", "jefe".into(), Ok(Verdict::Wrong)),
        ("x-gitlab-token", String::new(), malformed("x-gitlab-token")),
        ("authorization", basic("gitmoor:Jefe"), Ok(Verdict::Genuine)),
        ("authorization", basic(":Jefe"), Ok(Verdict::Genuine)),
        ("authorization", basic("gitmoor:Jefe").replace("Basic", "bAsic"), Ok(Verdict::Genuine)),
        ("authorization", basic("Jefe:gitmoor"), Ok(Verdict::Wrong)),
        ("authorization", basic("a:b:Jefe"), Ok(Verdict::Wrong)),
        ("authorization", basic("gitmoor:"), malformed("authorization")),
        ("authorization", basic("Jefe"), malformed("authorization")),
        ("authorization", "Basic ???".into(), malformed("authorization")),
        ("authorization", "Bearer Jefe".into(), malformed("authorization")),
        ("authorization", "é".into(), malformed("authorization")),
        ("x-token", "Jefe".into(), Err(Unproven::Missing)),
    ];
    for (header, value, expected) in cases {
        check(&[(header, &value)], RFC_BODY, "Jefe", 0, expected);
    }
}

#[test]
fn the_strongest_proof_counts_and_a_bad_one_is_not_rescued() {
    let (good, bad) = (format!("sha256={RFC}"), format!("sha256={}", RFC.replace('5', "6")));
    let sha1 = format!("sha1={}", &RFC[..40]);
    let as_forgejo = [
        ("x-forgejo-signature", RFC),
        ("x-gitea-signature", RFC),
        ("x-hub-signature", &sha1),
        ("x-hub-signature-256", &good),
    ];
    check(&as_forgejo, RFC_BODY, "Jefe", 0, Ok(Verdict::Genuine));
    check(&[("x-hub-signature-256", &bad), ("x-gitlab-token", "Jefe")], RFC_BODY, "Jefe", 0, Ok(Verdict::Wrong));
    let twice = [("x-hub-signature-256", good.as_str()), ("x-hub-signature-256", good.as_str())];
    check(&twice, RFC_BODY, "Jefe", 0, Err(Unproven::Twice("x-hub-signature-256")));
}

#[test]
fn a_signature_is_of_one_body_and_one_of_the_tokens() {
    let proof = Proof::of(&headers(&[("x-gitea-signature", RFC)])).unwrap();
    for (body, tokens, expected) in [
        (RFC_BODY, vec![token("Jefe")], Verdict::Genuine),
        (RFC_BODY, vec![token("old"), token("Jefe")], Verdict::Genuine),
        (RFC_BODY, vec![token("Jefe"), token("new")], Verdict::Genuine),
        (RFC_BODY, vec![token("jefe")], Verdict::Wrong),
        (RFC_BODY, vec![], Verdict::Wrong),
        (b"what do ya want for nothing".as_slice(), vec![token("Jefe")], Verdict::Wrong),
        (b"", vec![token("Jefe")], Verdict::Wrong),
    ] {
        assert_eq!(proof.verify(body, &tokens, 0), expected, "{body:?} by {tokens:?}");
    }
}

#[test]
fn a_signature_with_a_time_is_good_for_five_minutes() {
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let sign = |time: &str| {
        let digest = digest(&token(key).standard_key(), &[b"id.", time.as_bytes(), b".{}"]).unwrap();
        format!("v1a,zzzz v1,{} v1,{}", BASE64.encode(&[0; 32]), BASE64.encode(&digest))
    };
    for (time, now, expected) in [
        ("1000", 1000, Ok(Verdict::Genuine)),
        ("1000", 1300, Ok(Verdict::Genuine)),
        ("1000", 1301, Ok(Verdict::Stale)),
        ("1000", 699, Ok(Verdict::Stale)),
        ("-9223372036854775808", i64::MAX, Ok(Verdict::Stale)),
        ("soon", 1000, Err(Unproven::Malformed("webhook-signature"))),
    ] {
        let signature = sign(time);
        let sent = [("webhook-id", "id"), ("webhook-timestamp", time), ("webhook-signature", signature.as_str())];
        check(&sent, b"{}", key, now, expected);
        // Neither its id nor its time can be another.
        let other = [("webhook-id", "other"), sent[1], sent[2]];
        check(&other, b"{}", key, now, expected.map(|_| Verdict::Wrong));
        check(&sent[1..], b"{}", key, now, Err(Unproven::Malformed("webhook-signature")));
    }
}

#[test]
fn what_is_missing_is_said_in_words_and_a_proof_prints_nothing() {
    assert!(Unproven::Missing.sentence().contains("not signed"));
    assert!(Unproven::Malformed("x-hub-signature").sentence().ends_with("sha1 is not taken"));
    assert!(Unproven::Twice("x-gitlab-token").sentence().contains("x-gitlab-token"));
    let proof = Proof::of(&headers(&[("x-gitlab-token", "hunter2")])).unwrap();
    assert_eq!(format!("{proof:?}"), "Proof(…)");
}
