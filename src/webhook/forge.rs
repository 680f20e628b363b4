//! The forges, and what a person has to enter in each.

/// Who sends webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forge {
    /// github.com and GitHub Enterprise Server.
    GitHub,
    /// gitlab.com and GitLab Self-Managed.
    GitLab,
    /// Gitea, and Gogs, which it came from.
    Gitea,
    /// Forgejo and Codeberg.
    Forgejo,
    /// bitbucket.org.
    BitbucketCloud,
    /// Bitbucket Server and Bitbucket Data Center.
    BitbucketServer,
    /// Azure DevOps Services and Server.
    AzureDevOps,
    /// Whatever can sign a body by HMAC-SHA256.
    Generic,
}

impl Forge {
    /// Every forge.
    pub const ALL: [Self; 8] = [
        Self::GitHub,
        Self::GitLab,
        Self::Gitea,
        Self::Forgejo,
        Self::BitbucketCloud,
        Self::BitbucketServer,
        Self::AzureDevOps,
        Self::Generic,
    ];

    /// As it is written in flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
            Self::Forgejo => "forgejo",
            Self::BitbucketCloud => "bitbucket-cloud",
            Self::BitbucketServer => "bitbucket-server",
            Self::AzureDevOps => "azure-devops",
            Self::Generic => "generic",
        }
    }

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Gitea => "Gitea",
            Self::Forgejo => "Forgejo",
            Self::BitbucketCloud => "Bitbucket Cloud",
            Self::BitbucketServer => "Bitbucket Data Center",
            Self::AzureDevOps => "Azure DevOps",
            Self::Generic => "any sender",
        }
    }

    /// What is entered in the forge beside the URL, one step a line.
    pub fn setup(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &[
                "Repository > Settings > Webhooks > Add webhook",
                "Payload URL: the URL; Content type: application/json; Secret: the token; Just the push event",
            ],
            Self::GitLab => &[
                "Project > Settings > Webhooks > Add new webhook",
                "URL: the URL; Secret token: the token; Trigger: Push events, and Tag push events where tags are followed",
                "Where GitLab offers a signing token, take that instead, and put it into the Secret as it is: whsec_…",
            ],
            Self::Gitea => &[
                "Repository > Settings > Webhooks > Add Webhook > Gitea",
                "Target URL: the URL; POST Content Type: application/json; Secret: the token; Trigger On: Push Events",
            ],
            Self::Forgejo => &[
                "Repository > Settings > Webhooks > Add webhook > Forgejo",
                "Target URL: the URL; HTTP method: POST; POST content type: application/json; Secret: the token; \
                 Trigger on: Push events",
            ],
            Self::BitbucketCloud => &[
                "Repository > Repository settings > Webhooks > Add webhook",
                "URL: the URL; Secret: the token; Triggers: Repository push",
            ],
            Self::BitbucketServer => &[
                "Repository > Repository settings > Webhooks > Create webhook",
                "URL: the URL; Secret: the token; Events: Repository > Push",
            ],
            Self::AzureDevOps => &[
                "Project settings > Service hooks > Create subscription > Web Hooks",
                "Trigger: Code pushed, with the repository and the branch",
                "URL: the URL; Basic authentication username: gitmoor, or any other; password: the token",
            ],
            Self::Generic => &[
                "POST JSON to the URL with the header X-Hub-Signature-256: sha256=<hex of HMAC-SHA256(token, body)>",
                "The body may say {\"ref\": \"refs/heads/main\"}; with an id in the header Idempotency-Key, a delivery that \
                 is sent twice counts once",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forge_has_words_of_its_own() {
        for forge in Forge::ALL {
            assert!(!forge.setup().is_empty() && !forge.name().is_empty());
            assert_eq!(Forge::ALL.iter().filter(|other| other.as_str() == forge.as_str()).count(), 1);
        }
    }
}
