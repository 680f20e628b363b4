//! What breaks in a story.

use std::process::Command;
use std::time::Duration;

use super::super::history::{Moment, Server, Step, Strike};
use super::{Keeper, Play, pass};
use crate::support::wait::looked_for;
use crate::support::{Kube, eventually, holds};

/// A daemon comes to what it is killed amid, and a new one may have to start first.
const COMES: Duration = Duration::from_secs(60);
/// In a storm it may never come to that.
const MAY_COME: Duration = Duration::from_secs(8);
/// Bytes of a commit that a daemon has when it is killed amid the fetch.
const AMID: u32 = 300;

impl Play<'_> {
    pub(super) async fn fault(&mut self, step: &Step) {
        match step {
            Step::Kill { daemon } => {
                // It may have ended by itself before.
                if self.keepers[*daemon].kill() {
                    self.figures.killed("at any moment");
                }
            }
            Step::Restart { daemon } => {
                // It may be amid something that takes long in this weather: Kubernetes would not wait for ever either.
                self.keepers[*daemon].signal("TERM");
                pass(500).await;
                self.keepers[*daemon].kill();
            }
            Step::Pause { daemon, milliseconds } => {
                self.keepers[*daemon].signal("STOP");
                pass(*milliseconds).await;
                self.keepers[*daemon].signal("CONT");
            }
            Step::Weather { daemon, weather } => self.keepers[*daemon].weather(*weather),
            Step::Clock { daemon, seconds } => {
                let skewed = self.keepers[*daemon].clock(*seconds);
                self.figures.fault("clock jump", skewed);
            }
            Step::Disk { daemon, full } => {
                let done = self.keepers[*daemon].disk(*full);
                self.figures.fault("full disk of the store", done && *full);
            }
            Step::Files { daemon, short } => {
                let done = self.keepers[*daemon].files(*short);
                self.figures.fault("no file descriptor left", done && *short);
            }
            Step::Memory { daemon } => {
                let done = self.keepers[*daemon].starve();
                self.figures.fault("no memory left", done);
            }
            Step::Crash(server) => self.crash(*server).await,
            other => unreachable!("{other:?} is no fault"),
        }
    }

    /// A daemon is killed amid something that a step brings about.
    pub(super) async fn strike(&mut self, strike: Strike, then: &Step) -> Result<(), String> {
        match strike.amid {
            Moment::Api(amid) => self.keepers.iter().for_each(|keeper| keeper.aim(amid, strike.after)),
            Moment::Fetch => {
                let leader = self.keepers.iter().find(|keeper| keeper.leads()).unwrap_or(&self.keepers[0]);
                if let Some(process) = leader.process() {
                    self.git.kill(process, if strike.after { AMID } else { 0 }).await;
                }
            }
        }
        self.perform(then).await?;
        let stormy = self.history.steps.iter().any(|step| matches!(step, Step::Weather { .. }));
        let keepers = &mut self.keepers;
        let fallen = looked_for(if stormy { MAY_COME } else { COMES }, async || {
            let fallen = keepers.iter_mut().any(|keeper| !keeper.is_running());
            // One that ended by itself was not killed.
            holds(fallen, ()).map(|()| keepers.iter_mut().any(Keeper::was_killed))
        })
        .await;
        self.keepers.iter().for_each(Keeper::spare);
        if strike.amid == Moment::Fetch {
            self.git.fault(None, 0).await;
        }
        match fallen {
            Ok(true) => self.figures.killed(&format!("{strike:?}")),
            Ok(false) | Err(_) => self.figures.missed(),
        }
        Ok(())
    }

    /// A process of the control plane is killed, and another is there.
    async fn crash(&mut self, server: Server) {
        let program = match server {
            Server::Api => "kube-apiserver",
            Server::Etcd => "etcd",
        };
        let crashed = crash(&self.alone.kube, program).await;
        self.figures.fault(&format!("kill -9 of {program}"), crashed);
    }
}

/// Kills a program of a control plane that starts it anew, and waits until the API server answers. Whether there was one.
pub async fn crash(kube: &Kube, program: &str) -> bool {
    let Some(process) = kube.plane.process(program) else { return false };
    Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap();
    eventually(&format!("another {program} is there"), async || {
        let now = kube.plane.process(program);
        holds(now.is_some_and(|now| now != process), now)
    })
    .await;
    eventually("the API server is ready", async || {
        let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
        let ready = kube.client.request_text(request).await;
        holds(ready.is_ok(), ready)
    })
    .await;
    true
}
