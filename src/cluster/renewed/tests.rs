//! Which credentials an API server sees while files change.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;

/// A client of a server that says what it was asked with: the user's name, and 401 to whoever is `expired`.
fn echo(config: &Config) -> kube::Result<Client> {
    let user = config.auth_info.username.clone().unwrap_or_default();
    let answer = tower::service_fn(move |_: Request<Body>| {
        let mut answer = Response::new(Body::from(user.clone().into_bytes()));
        if user == "expired" {
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
        }
        async { Ok::<_, Infallible>(answer) }
    });
    if config.auth_info.username.as_deref() == Some("broken") {
        return Err(kube::Error::LinesCodecMaxLineLengthExceeded);
    }
    Ok(Client::new(answer, "default"))
}

fn kubeconfig(server: &str, user: &str) -> Value {
    json!({
        "clusters": [{"name": "a", "cluster": {"server": server}}],
        "users": [{"name": "a", "user": {"username": user}}, {"name": "b", "user": {"username": "somebody else"}}],
        "contexts": [
            {"name": "a", "context": {"cluster": "a", "user": "a"}}, {"name": "b", "context": {"cluster": "a", "user": "b"}}
        ],
        "current-context": "a"
    })
}

struct Fixture {
    _folder: tempfile::TempDir,
    file: PathBuf,
    client: Client,
}

const SERVER: &str = "https://127.0.0.1:6443/";

impl Fixture {
    async fn new(user: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig(SERVER, user).to_string()).unwrap();
        let connection = Connection { kubeconfig: Some(file.clone()), context: None };
        let client = client(&connection, echo).await.unwrap();
        Self { _folder: folder, file, client }
    }

    fn write(&self, content: &Value) {
        std::fs::write(&self.file, content.to_string()).unwrap();
    }

    /// Whom the server sees.
    async fn asks(&self) -> String {
        let answer = self.client.send(Request::new(Body::empty())).await.unwrap();
        String::from_utf8(answer.into_body().collect_bytes().await.unwrap().to_vec()).unwrap()
    }

    /// The same when it is time to look again.
    async fn asks_later(&self) -> String {
        tokio::time::advance(LOOK).await;
        self.asks().await
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_files_say_is_read_again_when_it_is_another_and_not_at_each_call() {
    let fixture = Fixture::new("first").await;
    assert_eq!(fixture.asks().await, "first");
    fixture.write(&kubeconfig(SERVER, "second"));
    assert_eq!(fixture.asks().await, "first", "it was looked at a moment ago");
    assert_eq!(fixture.asks_later().await, "second");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_looks_at_once() {
    let fixture = Fixture::new("expired").await;
    fixture.write(&kubeconfig(SERVER, "second"));
    assert_eq!(fixture.asks().await, "expired");
    assert_eq!(fixture.asks().await, "second");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_leaves_what_was_before() {
    let fixture = Fixture::new("first").await;
    std::fs::write(&fixture.file, "{").unwrap();
    assert_eq!(fixture.asks_later().await, "first");
    fixture.write(&kubeconfig(SERVER, "broken"));
    assert_eq!(fixture.asks_later().await, "first");
    std::fs::remove_file(&fixture.file).unwrap();
    assert_eq!(fixture.asks_later().await, "first");
    fixture.write(&kubeconfig(SERVER, "second"));
    assert_eq!(fixture.asks_later().await, "second");
}

#[tokio::test(start_paused = true)]
async fn neither_another_server_nor_another_context_is_gone_to() {
    let fixture = Fixture::new("first").await;
    fixture.write(&kubeconfig("https://127.0.0.1:7443/", "second"));
    assert_eq!(fixture.asks_later().await, "first");
    let mut other = kubeconfig(SERVER, "third");
    other["current-context"] = json!("b");
    fixture.write(&other);
    assert_eq!(fixture.asks_later().await, "third");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_whose_certificate_is_refused_is_asked_again_and_not_at_each_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let mut content = kubeconfig(SERVER, "expired");
    content["users"][0]["user"]["exec"] = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "plugin"});
    std::fs::write(&file, content.to_string()).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let make = move |config: &Config| {
        counted.fetch_add(1, Ordering::Relaxed);
        echo(config)
    };
    let client = client(&Connection { kubeconfig: Some(file), context: None }, make).await.unwrap();
    let fixture = Fixture { file: folder.path().join("kubeconfig"), _folder: folder, client };
    for expected in [1, 2, 2] {
        fixture.asks().await;
        assert_eq!(asked.load(Ordering::Relaxed), expected);
        if expected == 1 {
            tokio::time::advance(LOOK).await;
        }
        fixture.asks().await;
    }
}

#[tokio::test]
async fn the_files_are_those_that_the_context_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let mut content = kubeconfig(SERVER, "first");
    content["users"][0]["user"] = json!({"client-certificate": "a.crt", "client-key": "a.key"});
    content["users"][1]["user"] = json!({"client-certificate": "b.crt", "client-key": "b.key"});
    content["clusters"][0]["cluster"]["certificate-authority"] = json!("ca.crt");
    std::fs::write(&file, content.to_string()).unwrap();
    std::fs::write(folder.path().join("ca.crt"), "").unwrap();
    let connection = Connection { kubeconfig: Some(file.clone()), context: None };
    let mut config = Config::new(SERVER.parse().unwrap());
    config.auth_info = Kubeconfig::read_from(&file).unwrap().auth_infos[0].auth_info.clone().unwrap();
    let files = Files::of(&connection, &config).unwrap();
    let names: Vec<_> = files.paths.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["kubeconfig", "ca.crt", "a.crt", "a.key"]);
    assert!(files.paths.iter().all(|path| path.is_absolute()), "{files:?}");
    assert_eq!(files.connection.context.as_deref(), Some("a"));
    assert_eq!(files.print().await, None, "two of them are not there yet");
    config.root_cert_file = Some(Path::new("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt").into());
    assert_eq!(Files::of(&connection, &config), None);
}
