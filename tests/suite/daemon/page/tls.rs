//! The page by TLS, and a proxy that proves itself by its certificate.

use serde_json::{Value, json};

use super::access::{install_page, scene};
use crate::support::alone::Alone;
use crate::support::authority::Authority;
use crate::support::daemon::Daemon;
use crate::support::{Kube, eventually, holds, http};

#[tokio::test]
async fn a_proxy_is_believed_by_its_certificate() {
    let Some(alone) = Alone::new().await else { return };
    install_page(&alone.kube).await;
    let authority = Authority::new();
    authority.give("page");
    authority.give("proxy");
    let file = |name: &str| authority.file(name).to_str().unwrap().to_owned();
    let (certificate, key, ca) = (file("page.crt"), file("page.key"), file("ca.crt"));
    let flags = [
        "--page",
        "127.0.0.1:0",
        "--page-access",
        "Proxy",
        "--page-tls-cert",
        &certificate,
        "--page-tls-key",
        &key,
        "--page-client-ca",
        &ca,
    ];
    let daemon = alone.daemon(&flags).await;
    let page = daemon.listener("page").await.replace("http://", "https://");
    let Some(shop) = scene(&alone, &daemon, "certified").await else { return };
    let binding = ["create", "rolebinding", "ada", "--clusterrole=view", "--user=ada", "-n", &shop.namespace];
    alone.kube.kubectl(&binding).await;

    let url = format!("{page}/api/v1/services");
    assert!(authority.client(None).get(&url).send().await.is_err(), "without a certificate there is no connection");
    let proxy = authority.client(Some("proxy"));
    let ask = async |user: &str| -> Value {
        let answer = proxy.get(&url).header("x-forwarded-user", user).send().await.unwrap();
        serde_json::from_str(&http::said("on the page", answer).await.1).unwrap()
    };
    assert_eq!(ask("").await["code"], "GM484", "a certificate says that it is the proxy, and not who is looking");
    assert_eq!(ask("system:admin").await["code"], "GM484");
    assert_eq!(ask("eve").await["total"], 0);
    eventually("the viewer sees their namespace", async || {
        let list = ask("ada").await;
        holds(list["total"] == json!(1), list)
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_found_at_the_start() {
    let Some(kube) = Kube::shared().await else { return };
    let flags =
        ["--page", "127.0.0.1:0", "--page-tls-cert", "/nonexistent/page.crt", "--page-tls-key", "/nonexistent/k"];
    let daemon = Daemon::spawn(&kube.plane.kubeconfig, &flags);
    let log = daemon.log.clone();
    assert_eq!(daemon.ended().await.code(), Some(2), "{}", log.tail());
    let said = |text: &str| text.contains("the page cannot be served by TLS") && text.contains("/nonexistent/page.crt");
    eventually("it names the file", async || holds(said(&log.tail()), log.tail())).await;
}
