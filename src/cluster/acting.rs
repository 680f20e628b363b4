//! Calls as a ServiceAccount, and what a refusal means then.

use http::HeaderValue;

use super::error::CallError;
use crate::model::Account;

/// The user to act as. The API server adds the groups of a ServiceAccount by itself.
const IMPERSONATE: &str = "impersonate-user";

/// Whom calls are made as.
#[derive(Debug)]
pub(super) struct Acting {
    account: Account,
    user: String,
}

impl Acting {
    pub fn new(account: &Account) -> Self {
        Self { account: account.clone(), user: account.user() }
    }

    /// Says in a request who makes it.
    pub fn sign(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), CallError> {
        let user = HeaderValue::from_str(&self.user)
            .map_err(|_| CallError::Invalid(format!("{} is not a name that can be acted as", self.account)))?;
        request.headers_mut().insert(IMPERSONATE, user);
        Ok(())
    }
}

/// What a 403 means. Who acts as a ServiceAccount can lack a right in two places: its own to do so, or the account's.
pub(super) fn explain(acting: Option<&Acting>, message: String) -> CallError {
    let Some(Acting { account, user }) = acting else { return CallError::Forbidden(message) };
    let Some(denied) = Denied::read(&message) else {
        // Admission, or an authorizer with words of its own.
        return CallError::Forbidden(format!("refused to {account}: {message}"));
    };
    if denied.verb.starts_with("impersonate") {
        return CallError::ImpersonationForbidden(format!(
            "Gitmoor itself may not act as {account}: it lacks {} on {} {}; give it the ClusterRole gitmoor-impersonation of deploy/access.yaml",
            denied.verb,
            denied.resource,
            denied.place()
        ));
    }
    let namespace = denied.namespace.map(|name| format!(" -n {name}")).unwrap_or_default();
    CallError::Forbidden(format!(
        "{account} may not {verb} {resource} {place}; create the account if it does not exist, and bind a role to it. To see: kubectl auth can-i {verb} {resource}{namespace} --as={user}",
        verb = denied.verb,
        resource = denied.resource,
        place = denied.place(),
    ))
}

/// What Kubernetes' authorization says: `User "u" cannot v resource "r" in API group "g" in the namespace "n"`.
struct Denied<'a> {
    verb: &'a str,
    /// `plural.group`.
    resource: String,
    namespace: Option<&'a str>,
}

impl<'a> Denied<'a> {
    fn read(message: &'a str) -> Option<Self> {
        let (_, rest) = message.split_once("\" cannot ")?;
        let (verb, rest) = rest.split_once(" resource \"")?;
        let (plural, rest) = rest.split_once("\" in API group \"")?;
        let (group, rest) = rest.split_once('"')?;
        let namespace = rest.strip_prefix(" in the namespace \"").and_then(|rest| rest.split('"').next());
        let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        (!verb.contains(' ')).then_some(Self { verb, resource, namespace })
    }

    fn place(&self) -> String {
        self.namespace.map_or_else(|| "in the whole cluster".into(), |name| format!("in namespace {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountRule, ObjectKey};

    const DENIED: &str = r#"microservices.gitmoor.dev "a" is forbidden: User "system:serviceaccount:team:deployer" cannot patch resource "microservices" in API group "gitmoor.dev" in the namespace "team""#;

    /// What is said of a 403, and by which reason.
    #[track_caller]
    fn check(rule: AccountRule, message: &str, reason: &str, words: &[&str]) {
        let account = Account { key: ObjectKey::new("team", "deployer"), rule };
        let said = explain(Some(&Acting::new(&account)), message.to_owned());
        assert_eq!(said.reason(), reason, "{said}");
        for word in words {
            assert!(said.to_string().contains(word), "{word} in {said}");
        }
    }

    #[test]
    fn a_missing_right_of_the_account_names_account_verb_namespace_and_rule() {
        let words = [
            "ServiceAccount team/deployer (by spec.serviceAccountName) may not patch microservices.gitmoor.dev in namespace team",
            "kubectl auth can-i patch microservices.gitmoor.dev -n team --as=system:serviceaccount:team:deployer",
        ];
        check(AccountRule::Spec, DENIED, "Forbidden", &words);
        check(AccountRule::Flag, DENIED, "Forbidden", &["(by the operator's flag --default-service-account)"]);
        let namespaces = r#"namespaces is forbidden: User "system:serviceaccount:team:deployer" cannot create resource "namespaces" in API group "" at the cluster scope"#;
        check(AccountRule::Spec, namespaces, "Forbidden", &["may not create namespaces in the whole cluster"]);
    }

    #[test]
    fn a_missing_right_of_our_own_is_told_apart() {
        let constrained = r#"microservices.gitmoor.dev "a" is forbidden: User "system:serviceaccount:gitmoor-system:gitmoor" cannot impersonate-on:serviceaccount:patch resource "microservices" in API group "gitmoor.dev" in the namespace "team""#;
        let words = [
            "Gitmoor itself",
            "team/deployer (by spec.",
            "impersonate-on:serviceaccount:patch on",
            "gitmoor-impersonation",
        ];
        check(AccountRule::Spec, constrained, "ImpersonationForbidden", &words);
        let before = r#"serviceaccounts "deployer" is forbidden: User "g" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "team""#;
        check(
            AccountRule::Spec,
            before,
            "ImpersonationForbidden",
            &["lacks impersonate on serviceaccounts in namespace team"],
        );
    }

    #[test]
    fn what_admission_says_is_kept() {
        let message = r#"microservices.gitmoor.dev "a" is forbidden: ValidatingAdmissionPolicy 'p' denied request: no"#;
        check(AccountRule::Spec, message, "Forbidden", &["refused to ServiceAccount team/deployer", message]);
        assert_eq!(explain(None, DENIED.to_owned()).to_string(), DENIED);
    }

    #[test]
    fn a_name_that_is_no_header_is_refused() {
        let account = Account { key: ObjectKey::new("team", "a\nb"), rule: AccountRule::Spec };
        let mut request = http::Request::new(Vec::new());
        assert!(matches!(Acting::new(&account).sign(&mut request), Err(CallError::Invalid(_))));
    }
}
