//! How far a Job is, from the object alone.

use serde_json::Value;

/// How far a Job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobProgress {
    /// It has not ended.
    Running,
    /// It has done what it was to do.
    Succeeded,
    /// It has given up; in the words of Kubernetes.
    Failed(String),
}

/// How far a Job is. Kubernetes sets the two conditions once, when no pod of it runs any more.
pub fn job_progress(live: &Value) -> JobProgress {
    let conditions = live["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let holds = |kind: &str| conditions.iter().find(|one| one["type"] == kind && one["status"] == "True");
    if holds("Complete").is_some() {
        return JobProgress::Succeeded;
    }
    match holds("Failed") {
        Some(failed) => {
            let text = |field: &str| failed[field].as_str().unwrap_or_default();
            JobProgress::Failed(format!("{} ({})", text("message"), text("reason")))
        }
        None => JobProgress::Running,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_runs_until_it_says_how_it_ended() {
        let with = |kind: &str, status: &str| {
            json!({"status": {"conditions": [{
                "type": kind, "status": status, "reason": "BackoffLimitExceeded", "message": "it gave up"
            }]}})
        };
        assert_eq!(job_progress(&json!({})), JobProgress::Running);
        assert_eq!(job_progress(&with("FailureTarget", "True")), JobProgress::Running);
        assert_eq!(job_progress(&with("Failed", "False")), JobProgress::Running);
        assert_eq!(job_progress(&with("Complete", "True")), JobProgress::Succeeded);
        let failed = JobProgress::Failed("it gave up (BackoffLimitExceeded)".into());
        assert_eq!(job_progress(&with("Failed", "True")), failed);
    }
}
