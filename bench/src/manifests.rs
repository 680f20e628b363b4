//! MicroServices as teams write them: one file each, about 800 bytes, no two alike.

/// A MicroService in the repository.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its file, from the repository's root.
    pub path: String,
    number: usize,
}

const SERVICES: [&str; 10] =
    ["cart", "catalog", "checkout", "invoices", "ledger", "orders", "payments", "search", "shipping", "web"];
const TEAMS: [&str; 4] = ["buyers", "logistics", "money", "platform"];

/// Namespaces for so many MicroServices: 10 to 50.
pub fn namespaces(count: usize) -> Vec<String> {
    numbered((count / 200).clamp(10, 50))
}

/// So many namespaces.
pub fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("bench-{number:02}")).collect()
}

/// So many MicroServices, spread over the namespaces that so many have.
pub fn manifests(count: usize) -> Vec<Manifest> {
    spread(count, &namespaces(count))
}

/// So many MicroServices, spread over these namespaces.
pub fn spread(count: usize, namespaces: &[String]) -> Vec<Manifest> {
    (0..count)
        .map(|number| {
            let namespace = namespaces[number % namespaces.len()].clone();
            let name = format!("{}-{number:05}", SERVICES[number % SERVICES.len()]);
            Manifest { path: format!("apps/{namespace}/{name}.yaml"), namespace, name, number }
        })
        .collect()
}

impl Manifest {
    /// `namespace/name`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Replicas that the manifest declares.
    pub fn replicas(&self) -> u64 {
        1 + self.number as u64 % 2
    }

    /// The image of a release.
    pub fn image(&self, release: usize) -> String {
        format!("ghcr.io/acme/{}:1.{}.{release}", SERVICES[self.number % SERVICES.len()], self.number % 90)
    }

    /// The file's content for a release.
    pub fn text(&self, release: usize) -> String {
        let Self { namespace, name, number, .. } = self;
        let (image, replicas) = (self.image(release), self.replicas());
        let team = TEAMS[number % TEAMS.len()];
        let port = 8000 + number % 100;
        let (cpu, memory) = (50 + number % 5 * 50, 64 << (number % 3));
        let limit = memory * 2;
        format!(
            "\
# Team {team}; see https://wiki.example.com/services/{name} before changing the limits.
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata:
  name: {name}
  namespace: {namespace}
  labels:
    team: {team}
spec:
  image: {image}
  replicas: {replicas}
  ports:
  - name: http
    containerPort: {port}
    servicePort: 80
  env:
  - name: LOG_LEVEL
    value: info
  - name: REGION
    value: eu-central-1
  - name: DATABASE_URL
    valueFrom:
      secretKeyRef: {{name: {name}-db, key: url}}
  resources:
    requests: {{cpu: {cpu}m, memory: {memory}Mi}}
    limits: {{memory: {limit}Mi}}
  readinessProbe:
    httpGet: {{path: /ready, port: http}}
    periodSeconds: 5
  livenessProbe:
    httpGet: {{path: /healthz, port: http}}
    failureThreshold: 6
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_as_large_as_they_should_be_and_all_different() {
        let all = manifests(1000);
        let sizes: Vec<usize> = all.iter().map(|one| one.text(0).len()).collect();
        assert!(sizes.iter().all(|size| (700..900).contains(size)), "{sizes:?}");
        let keys: std::collections::HashSet<String> = all.iter().map(Manifest::key).collect();
        assert_eq!((keys.len(), namespaces(1000).len(), namespaces(10_000).len()), (1000, 10, 50));
        assert!(all[3].text(0).contains(&all[3].image(0)) && all[3].text(0) != all[3].text(1));
    }

    #[test]
    fn manifests_are_valid() {
        for one in manifests(20) {
            let parsed = gitmoor::manifest::parse(one.text(0).as_bytes());
            assert!(parsed.diagnostics.is_empty() && parsed.documents.len() == 1, "{:?}", parsed.diagnostics);
        }
    }
}
