//! Codes of the page: who is let in, and why a request is not answered.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM480",
        words: &["PageOpenElsewhere"],
        title: "The page would be open to a network",
        means: "--page-access Open was asked for on an address that is not a loopback address: whoever reaches it would see \
            everything, without being asked who they are.",
        why: "Images, commits and differences tell a lot about a company. Open is for this machine, and for kubectl \
            port-forward, which the API server lets only some people do.",
        next: "Use --page-access Token or Proxy; or --page 127.0.0.1:8082 and kubectl port-forward.",
        example: Example::Said(
            "PageOpenElsewhere (GM480): --page-access Open is for loopback addresses, and 0.0.0.0:8082 is none",
        ),
    },
    Entry {
        code: "GM481",
        words: &["PageLoginNeeded"],
        title: "The page asks for a token",
        means: "The page runs with --page-access Token, and the request has neither a token nor the cookie of a login.",
        why: "Each viewer sees the namespaces that they may read in the cluster; for that the API server has to know them.",
        next: "Log in with a token of the cluster, as kubectl create token NAME prints it for a ServiceAccount.",
        example: Example::Said("401 PageLoginNeeded: log in with a token of the cluster"),
    },
    Entry {
        code: "GM482",
        words: &["PageTokenRefused"],
        title: "The API server does not accept the token",
        means: "The token is not one of this cluster, it has run out, or it cannot be one.",
        why: "Whether a token is good is for the API server to say; it is asked again every minute.",
        next: "Log in with another token.",
        example: Example::Said("401 PageTokenRefused: the API server does not accept this token"),
    },
    Entry {
        code: "GM483",
        words: &["PageProxyUnproven"],
        title: "The request did not come from the proxy",
        means: "The page runs with --page-access Proxy, and the request lacks the secret that only the proxy knows.",
        why: "A header with a name is written in no time. Without a proof anybody in the cluster could be anybody.",
        next: "Open the page by the proxy. If that is how it was opened: let the proxy send the secret of \
            --page-proxy-secret-file in the header X-Gitmoor-Proxy-Secret.",
        example: Example::Said("401 PageProxyUnproven: this request did not come from the proxy"),
    },
    Entry {
        code: "GM484",
        words: &["PageIdentityRefused"],
        title: "The proxy names nobody who can be let in",
        means: "The header with the user is missing, empty or there twice, or a name begins with system:.",
        why: "An empty name would be asked about as nobody, and names that begin with system: are the cluster's own: no proxy \
            makes somebody a master of it.",
        next: "Let the proxy send exactly one user, and take such headers from whoever sends them to the proxy.",
        example: Example::Said("401 PageIdentityRefused: the header with the user is missing or empty"),
    },
    Entry {
        code: "GM485",
        words: &["PageReviewFailed"],
        title: "Who is looking could not be found out",
        means: "The API server did not answer, or the operator may not create TokenReviews and SubjectAccessReviews.",
        why: "What somebody may read is not guessed at: until it is known, nothing is shown.",
        next: "See that the API server answers, and that the ClusterRole gitmoor-page is bound to the operator's account.",
        example: Example::Said("503 PageReviewFailed: the API server could not be asked"),
    },
    Entry {
        code: "GM486",
        words: &["PageHostRefused"],
        title: "The page was asked for by a name that is not this machine's",
        means: "With --page-access Open the request's Host must be localhost or a loopback address.",
        why: "A site of the internet can make its own name lead to this machine, and read with it what a browser here may \
            read.",
        next: "Open the page as http://localhost with its port. Behind a proxy use --page-access Proxy.",
        example: Example::Said("421 PageHostRefused: open it as localhost or 127.0.0.1"),
    },
    Entry {
        code: "GM487",
        words: &["PageBusy"],
        title: "Too many are looking at once",
        means: "As many streams of events are open, or as many questions to the API server under way, as are allowed.",
        why: "The page must not take from the daemon what it needs for its work.",
        next: "Close some windows, or try again in a moment; a browser does so by itself.",
        example: Example::Said("503 PageBusy: too many are looking at once"),
    },
    Entry {
        code: "GM488",
        words: &["PageNotFound"],
        title: "There is no such thing, or none that the viewer may read",
        means: "The object is not in the cluster, or the viewer may not get it; or the path is none of the API's.",
        why: "Both are answered alike: whoever may not read a namespace does not learn what is in it.",
        next: "Check the name; kubectl auth can-i get microservices.gitmoor.dev -n NAMESPACE tells whether it may be read.",
        example: Example::Said("404 PageNotFound: there is no such thing here, or none that you may read"),
    },
    Entry {
        code: "GM489",
        words: &["PageRequestInvalid", "PageMethodNotAllowed"],
        title: "The request cannot be understood",
        means: "A parameter has a value that it cannot have, a login is not JSON, or the method is none that the path has.",
        why: "What is not understood is said, and not left out in silence. Nothing can be changed by the page.",
        next: "Correct what the message names; docs/openapi.yaml has all paths and parameters.",
        example: Example::Said(
            "400 PageRequestInvalid: the parameter limit cannot be read: it is a number from 1 to 1000",
        ),
    },
];
