//! Where the daemon listens, as flags.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;

use super::run::SourceArgs;
use crate::server::HookLimits;
use crate::webhook::Network;

/// Where webhooks are received when they are wanted and nobody says where.
const HOOKS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9292);

/// An address to listen on, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub Option<SocketAddr>);

/// The webhook listener.
#[derive(Debug, Clone, Args)]
pub struct HookArgs {
    /// Where webhooks are received, POST /hooks/{namespace}/{gitsync}. Default: nowhere, and there is no listener; with
    /// --webhook-secret, 127.0.0.1:9292. `none` is nowhere, too.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub hooks_listen: Option<Listen>,
    /// Requests a minute that one source may send to the webhook listener, and as many at once; more are answered 429.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub hooks_rate: u32,
    /// A proxy in front of the webhook listener, as an address or a network such as 10.0.0.0/8; can be repeated. Whom it
    /// names in X-Forwarded-For is the source; else whoever connects is.
    #[arg(long, value_name = "NETWORK")]
    pub hooks_trusted_proxy: Vec<Network>,
}

impl HookArgs {
    /// Where to listen.
    pub fn listen(&self, source: &SourceArgs) -> Option<SocketAddr> {
        match self.hooks_listen {
            Some(listen) => listen.0,
            None => source.webhook_secret.is_some().then_some(HOOKS),
        }
    }

    /// How much the listener may be used.
    pub fn limits(&self) -> HookLimits {
        HookLimits { per_minute: self.hooks_rate, ..HookLimits::default() }
    }
}

/// Reads an address.
pub fn address(text: &str) -> Result<Listen, String> {
    if text == "none" {
        return Ok(Listen(None));
    }
    text.parse()
        .map(|address| Listen(Some(address)))
        .map_err(|_| "not an address such as 127.0.0.1:9292, nor none".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};

    #[test]
    fn the_webhook_listener_exists_only_where_it_is_asked_for() {
        let check = |flags: &[&str], expected: Option<&str>| {
            let cli = Cli::try_parse_from(["gitmoor", "run"].iter().chain(flags)).unwrap();
            let Command::Run(args) = cli.command else { unreachable!() };
            let found = args.hooks.listen(&args.source).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{flags:?}");
        };
        check(&[], None);
        check(&["--hooks-listen", "none"], None);
        check(&["--hooks-listen", "0.0.0.0:80"], Some("0.0.0.0:80"));
        check(&["--url", "https://x/y", "--webhook-secret", "hook"], Some("127.0.0.1:9292"));
        check(&["--url", "https://x/y", "--webhook-secret", "hook", "--hooks-listen", "none"], None);
    }

    #[test]
    fn a_proxy_is_a_network_and_nothing_else() {
        let parse = |network: &str| Cli::try_parse_from(["gitmoor", "run", "--hooks-trusted-proxy", network]).is_ok();
        assert!(parse("10.0.0.0/8") && parse("::1"));
        assert!(!parse("10.0.0.1/8") && !parse("proxy"));
    }
}
