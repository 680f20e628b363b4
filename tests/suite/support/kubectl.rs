//! What people do: the real kubectl, with the field managers that it writes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::Kube;

impl Kube {
    /// Runs kubectl, which must succeed, and returns what it printed.
    pub async fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.try_kubectl(arguments, None).await;
        said(arguments, &output)
    }

    /// The same with something on its standard input.
    pub async fn kubectl_with(&self, arguments: &[&str], input: &str) -> String {
        let output = self.try_kubectl(arguments, Some(input.to_owned())).await;
        said(arguments, &output)
    }

    /// `kubectl edit`, where the person's editor is the sed script. The object must change by it.
    pub async fn kubectl_edit(&self, namespace: &str, object: &str, sed: &str) {
        let editor = format!("sed -i -E '{sed}'");
        let printed = self.kubectl_in(&["edit", "-n", namespace, object], &[("KUBE_EDITOR", &editor)]).await;
        assert!(printed.contains("edited"), "sed {sed:?} changed nothing in {object}");
    }

    async fn kubectl_in(&self, arguments: &[&str], env: &[(&str, &str)]) -> String {
        let mut command = self.command(arguments);
        command.envs(env.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        said(arguments, &output)
    }

    /// Runs kubectl, whatever comes of it.
    pub async fn try_kubectl(&self, arguments: &[&str], input: Option<String>) -> Output {
        self.try_kubectl_with(arguments, &[], input.unwrap_or_default()).await
    }

    /// The same with something in its environment and on its standard input.
    pub async fn try_kubectl_with(&self, arguments: &[&str], env: &[(&str, &str)], input: String) -> Output {
        let mut command = self.command(arguments);
        command.envs(env.iter().copied());
        tokio::task::spawn_blocking(move || {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            // It may end before it has read everything.
            let _ = stdin.write_all(input.as_bytes());
            drop(stdin);
            child.wait_with_output().unwrap()
        })
        .await
        .unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.plane.kubectl);
        command
            .args(arguments)
            .env("KUBECONFIG", &self.plane.kubeconfig)
            .env("KUBECACHEDIR", &self.plane.kubectl_cache)
            .env("KUBERC", "off")
            .stdin(Stdio::null());
        command
    }
}

fn said(arguments: &[&str], output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "kubectl {}: {}\n{out}{err}", arguments.join(" "), output.status);
    out.into_owned()
}
