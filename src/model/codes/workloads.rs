//! Codes of workloads: how far a MicroService's rollout is, and what keeps its pods from serving.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM701",
        words: &["Ready"],
        title: "The service runs as declared",
        means: "All replicas are of the newest version and ready.",
        why: "This is what everything else is measured by.",
        next: "Nothing.",
        example: Example::Said("Ready=True Ready: 3 of 3 replicas are ready"),
    },
    Entry {
        code: "GM702",
        words: &["Serving"],
        title: "Enough replicas serve",
        means: "Enough replicas are available, whatever their version: during a rollout those of the old version count.",
        why: "Whether users are served and whether the newest version is out are two questions.",
        next: "Nothing.",
        example: Example::Said("Available=True Serving: 3 replicas serve"),
    },
    Entry {
        code: "GM703",
        words: &["TooFewReplicas"],
        title: "Fewer replicas serve than there should be",
        means: "Fewer replicas are available than the Deployment needs.",
        why: "Users notice this one, so it has a condition of its own.",
        next: "The condition Ready says what keeps the pods from serving.",
        example: Example::Said("Available=False TooFewReplicas: 1 of 3 replicas serve"),
    },
    Entry {
        code: "GM704",
        words: &["NotObserved"],
        title: "The Deployment was not observed yet",
        means: "The Deployment was applied, and the cluster has not shown it yet.",
        why: "What was not observed is Unknown, neither good nor bad.",
        next: "Wait a moment. If it stays, look at the operator's log.",
        example: Example::Said("Ready=Unknown NotObserved: the Deployment was not observed yet"),
    },
    Entry {
        code: "GM705",
        words: &["DeploymentMissing"],
        title: "The Deployment does not exist yet",
        means: "The MicroService's Deployment is not there.",
        why: "It is created by the controller; this passes.",
        next: "If it stays, the condition ChildrenApplied says why it cannot be created.",
        example: Example::Said("Ready=False DeploymentMissing: the Deployment does not exist yet"),
    },
    Entry {
        code: "GM706",
        words: &["DeploymentTerminating"],
        title: "The Deployment is being deleted",
        means: "Somebody deleted the Deployment, and it is not gone yet.",
        why: "It is made anew once it is gone.",
        next: "Wait. If it does not go, some finalizer is not removed.",
        example: Example::Said("Ready=False DeploymentTerminating: the Deployment is being deleted"),
    },
    Entry {
        code: "GM707",
        words: &["RolloutNotObserved"],
        title: "The cluster has not acted on the newest version yet",
        means: "The Deployment was changed, and Kubernetes' own controller has not acted on it.",
        why: "Until then its counts speak of the version before.",
        next: "Wait a moment. If it stays, kube-controller-manager does not run or is overloaded.",
        example: Example::Said("Ready=False RolloutNotObserved: the cluster has not acted on the newest version yet"),
    },
    Entry {
        code: "GM708",
        words: &["ReplicasUpdating"],
        title: "The rollout is under way",
        means: "Not all replicas are of the newest version yet.",
        why: "A rollout replaces replicas step by step.",
        next: "Wait. spec.strategy says how many are replaced at once.",
        example: Example::Said("Ready=False ReplicasUpdating: 1 of 3 replicas is updated"),
    },
    Entry {
        code: "GM709",
        words: &["OldReplicasTerminating"],
        title: "Old replicas have yet to end",
        means: "All new replicas exist, and some of the old ones are still there.",
        why: "They get spec.terminationGracePeriodSeconds to end well.",
        next: "Wait.",
        example: Example::Said("Ready=False OldReplicasTerminating: 1 old replica has yet to end"),
    },
    Entry {
        code: "GM710",
        words: &["ReplicasUnavailable"],
        title: "New replicas do not serve yet",
        means: "All replicas are of the newest version, and some are not ready, or not for long enough.",
        why: "Only a replica that passes its readiness probe counts.",
        next: "Wait. If it stays, look at the pods' log and at the readiness probe.",
        example: Example::Said("Ready=False ReplicasUnavailable: 2 of 3 updated replicas are available"),
    },
    Entry {
        code: "GM711",
        words: &["RolloutPaused"],
        title: "The rollout is paused",
        means: "Somebody paused the Deployment (`kubectl rollout pause`).",
        why: "A pause is somebody's decision; until it ends, the newest version is not out.",
        next: "`kubectl rollout resume deployment NAME`.",
        example: Example::Said("Ready=False RolloutPaused: the rollout is paused: 1 of 3 replicas are updated"),
    },
    Entry {
        code: "GM712",
        words: &["ProgressDeadlineExceeded"],
        title: "The rollout is stuck",
        means: "The rollout did not get on within the Deployment's progress deadline. The old replicas go on serving, \
            where the strategy keeps them.",
        why: "Kubernetes does not undo it by itself; somebody has to look.",
        next: "The rest of the message says what keeps the newest pods from serving. Mend it in Git, or revert the \
            commit.",
        example: Example::Said(
            "Ready=False ProgressDeadlineExceeded: the rollout did not get on before its deadline: 1 of 3 replicas \
                is updated; container orders of pod orders-5d8f exited with code 1, 6 restarts so far",
        ),
    },
    Entry {
        code: "GM713",
        words: &["ReplicaFailure", "FailedCreate", "FailedDelete"],
        title: "Pods cannot be created or deleted",
        means: "The Deployment could not create or delete pods: a quota, an admission policy, or a missing ServiceAccount.",
        why: "Before a pod exists, nothing else can be said of it; so this is told first.",
        next: "Read the words of the API server in the message: raise the quota, or change what the policy refuses.",
        example: Example::Said("Ready=False FailedCreate: pods \"orders-5d8f\" is forbidden: exceeded quota: compute"),
    },
    Entry {
        code: "GM714",
        words: &["ImagePullFailed"],
        title: "The image cannot be pulled",
        means: "The node could not get the image: it does not exist, the registry refuses, or cannot be reached.",
        why: "One word stands for the several words that the kubelet uses in turns, so that the condition does not flap.",
        next: "Check the name and tag of spec.image, spec.imagePullSecrets, and whether the nodes reach the registry.",
        example: Example::Said(
            "Ready=False ImagePullFailed: container orders of pod orders-5d8f: registry.example.com/orders:1.4.3: \
                not found",
        ),
    },
    Entry {
        code: "GM715",
        words: &[
            "CreateContainerConfigError",
            "CreateContainerError",
            "RunContainerError",
            "PreCreateHookError",
            "PostStartHookError",
        ],
        title: "The container cannot be made from its spec",
        means: "The image is there, but the container cannot be made or started: a Secret or ConfigMap is missing, the \
            image runs as root where that is forbidden, or the command does not exist.",
        why: "The words are the kubelet's; they say which step failed.",
        next: "Create what is missing, or correct the spec. An image that runs as root needs securityProfile: Baseline, \
            or a user of its own.",
        example: Example::Said(
            "Ready=False CreateContainerConfigError: container orders of pod orders-5d8f: secret \"orders-db\" not \
                found",
        ),
    },
    Entry {
        code: "GM716",
        words: &["CrashLoopBackOff"],
        title: "The container ends again and again",
        means: "The container starts and ends, and Kubernetes waits longer before each new start.",
        why: "The exit code and how often it ended stay true from round to round; they are told in place of the \
            kubelet's changing words.",
        next: "The command in the message shows what it said before it ended.",
        example: Example::Said(
            "Ready=False CrashLoopBackOff: container orders of pod orders-5d8f exited with code 1, 6 restarts so far; \
                its last words: kubectl logs -n shop orders-5d8f -c orders --previous",
        ),
    },
    Entry {
        code: "GM717",
        words: &["Unschedulable"],
        title: "No node will do",
        means: "The scheduler finds no node for a pod: not enough CPU or memory, or rules that no node fits.",
        why: "The words are the scheduler's.",
        next: "Lower spec.resources.requests, add nodes, or change the rules that exclude them.",
        example: Example::Said(
            "Ready=False Unschedulable: no node for pod orders-5d8f: 0/3 nodes are available: 3 Insufficient \
                memory.",
        ),
    },
    Entry {
        code: "GM718",
        words: &["NotReady"],
        title: "A pod runs and does not serve",
        means: "The pod runs, and its startup or readiness probe has failed as often as it may, or a readiness gate is missing; or its \
            containers are in the making for two minutes.",
        why: "Every starting pod is here for a while; it is trouble once its probes have taken all the time that they give it, or the \
            rollout missed its deadline.",
        next: "Look at the pod's log, and at the path and port of the probe. What it got, or which volume cannot be mounted, is in the \
            pod's Events.",
        example: Example::Said(
            "Ready=False NotReady: container orders of pod orders-5d8f runs, but its readiness probe does not succeed; \
                what the probe got: kubectl describe pod -n shop orders-5d8f",
        ),
    },
    Entry {
        code: "GM719",
        words: &["NotOwned"],
        title: "A child exists and belongs to somebody else",
        means: "The MicroService needs an object (Deployment, Service …) whose name is taken by one that the controller \
            did not make.",
        why: "Nothing is taken over silently: whoever made it may depend on it as it is.",
        next: "Delete it, rename the MicroService, or set the annotation gitmoor.dev/take-over-children: \"true\" on the \
            MicroService.",
        example: Example::Said(
            "Ready=False NotOwned: Deployment orders exists and belongs to somebody else; delete it, rename the \
                service, or set the annotation gitmoor.dev/take-over-children: \"true\"",
        ),
    },
    Entry {
        code: "GM720",
        words: &["ChildTerminating"],
        title: "A child is being deleted",
        means: "An object that the MicroService needs is being deleted. It is made anew once it is gone.",
        why: "What is being deleted cannot be changed any more.",
        next: "Wait. If it does not go, some finalizer is not removed.",
        example: Example::Said(
            "Ready=False ChildTerminating: Service orders is being deleted; it is made anew once it is gone",
        ),
    },
    Entry {
        code: "GM721",
        words: &["OOMKilled"],
        title: "The container ends again and again, for it needs more memory than it may have",
        means: "The kernel ends the container when it reaches its memory limit.",
        why: "The log says nothing of this: the program is not asked.",
        next: "Raise spec.resources.limits.memory, or let the program use less.",
        example: Example::Said(
            "Ready=False OOMKilled: container orders of pod orders-5d8f exited with code 137 (OOMKilled), 6 restarts so far; it \
                needs more memory than its limit allows; its last words: kubectl logs -n shop orders-5d8f -c orders --previous",
        ),
    },
    Entry {
        code: "GM722",
        words: &["Evicted", "PodFailed"],
        title: "Nodes give pods up",
        means: "A node evicted a pod, for it ran short of something, or did not take it although the scheduler chose it.",
        why: "Kubernetes makes another pod, so it is told only while replicas are missing, for at most five minutes.",
        next: "See what the node is short of, and whether spec.resources.requests says what the service really needs.",
        example: Example::Said(
            "Ready=False Evicted: pod orders-5d8f was evicted by its node: The node was low on resource: memory.",
        ),
    },
    Entry {
        code: "GM730",
        words: &["RouteAccepted"],
        title: "All routes lead to the service",
        means: "Every Gateway that a route hangs on has taken it, and every Ingress has an address.",
        why: "Whether the service is reached from outside is another question than whether its pods serve.",
        next: "Nothing.",
        example: Example::Said("RoutesAccepted=True RouteAccepted: the route leads to the service"),
    },
    Entry {
        code: "GM731",
        words: &["RouteNotAccepted"],
        title: "A route is refused by who should serve it",
        means: "A Gateway says that it does not take a route, or that what the route leads to is not there. Its own words are in the \
            message.",
        why: "The pods may be well, and nobody reaches them: that is not ready.",
        next: "Change the route, or what the Gateway allows: its listeners say which hostnames and namespaces they take.",
        example: Example::Said(
            "RoutesAccepted=False RouteNotAccepted: HTTPRoute orders-public: Gateway infra/edge: no listener takes this hostname \
                (NoMatchingListenerHostname)",
        ),
    },
    Entry {
        code: "GM732",
        words: &["RouteNotObserved"],
        title: "Nobody has said yet whether a route is served",
        means: "The Gateway has not answered, or no controller has given the Ingress an address.",
        why: "What was not observed is Unknown. Some controllers of Ingresses never say, so this does not keep a service from being \
            ready.",
        next: "If it stays, see that the Gateway or IngressClass exists and that its controller runs.",
        example: Example::Said(
            "RoutesAccepted=Unknown RouteNotObserved: HTTPRoute orders-public: Gateway infra/edge has not answered yet",
        ),
    },
    Entry {
        code: "GM733",
        words: &["KindNotServed"],
        title: "The cluster lacks a kind that the service asks for",
        means: "A route with parentRefs needs HTTPRoute, and metrics need ServiceMonitor; the cluster does not have that kind. All \
            other children are made.",
        why: "These kinds are not part of Kubernetes, and Gitmoor installs nothing of others.",
        next: "Install the definition that the message names, or remove the field. What was missing is made within seconds.",
        example: Example::Said(
            "Ready=False KindNotServed: ServiceMonitor orders is not made: the cluster does not serve monitoring.coreos.com/v1 \
                ServiceMonitor; it is made once servicemonitors.monitoring.coreos.com is installed",
        ),
    },
    Entry {
        code: "GM734",
        words: &["PreDeploySucceeded"],
        title: "The job before the rollout succeeded",
        means: "What spec.preDeploy runs has succeeded for this image, command, args and environment. It is not run again for them.",
        why: "A rollout begins only then.",
        next: "Nothing.",
        example: Example::Said("PreDeployComplete=True PreDeploySucceeded: the job before the rollout succeeded"),
    },
    Entry {
        code: "GM735",
        words: &["PreDeployRunning"],
        title: "The rollout waits for the job before it",
        means: "What spec.preDeploy runs has not succeeded yet. The version before goes on serving.",
        why: "A new version may need what the job does, a migration say.",
        next: "Wait. If it takes too long, look at the log of the Job's pod; activeDeadlineSeconds bounds it.",
        example: Example::Said("Ready=False PreDeployRunning: Job orders-pre-deploy-0a1b2c3d4e has yet to succeed"),
    },
    Entry {
        code: "GM736",
        words: &["PreDeployFailed"],
        title: "The job before the rollout failed",
        means: "What spec.preDeploy runs has failed for good. Nothing is rolled out; the version before goes on serving.",
        why: "A new version without what the job should have done could do harm.",
        next: "Look at the log of the Job's pod. Commit what mends it, or delete the Job to try the same again.",
        example: Example::Said(
            "Ready=False PreDeployFailed: Job orders-pre-deploy-0a1b2c3d4e failed: Job has reached the specified backoff limit \
                (BackoffLimitExceeded); the version before goes on. Change what it runs, or delete the Job to try again",
        ),
    },
    Entry {
        code: "GM760",
        words: &["ReferencesFound"],
        title: "What the service names exists",
        means: "spec.restartOnChange is true, and every ConfigMap and Secret that env, envFrom and volumes name is there.",
        why: "Only what is there can be followed.",
        next: "Nothing.",
        example: Example::Said("ReferencesFound=True ReferencesFound: a change of what is named is a rollout"),
    },
    Entry {
        code: "GM761",
        words: &["ReferenceMissing"],
        title: "A ConfigMap or Secret that the service names does not exist",
        means: "The object, or the key of it that the service reads, is not there, and is not optional.",
        why: "The Deployment is applied all the same: old pods go on serving, and new ones start once it is there.",
        next: "Make it, or correct the name. It is noticed at once.",
        example: Example::Said("ReferencesFound=False ReferenceMissing: Secret orders-db does not exist"),
    },
    Entry {
        code: "GM762",
        words: &["ReferenceUnread"],
        title: "A ConfigMap or Secret that the service names cannot be read",
        means: "Gitmoor could not read it, or cannot follow it, so it does not know whether it changed.",
        why: "What cannot be read is not taken for changed: nothing is restarted on a guess.",
        next: "The message has the API server's words. Where a right is missing, bind the ClusterRole gitmoor-restarts (deploy/restarts.yaml binds it \
            everywhere).",
        example: Example::Said(
            "ReferencesFound=Unknown ReferenceUnread: a change may restart nothing: the API server refuses it: \
                secrets is forbidden",
        ),
    },
    Entry {
        code: "GM763",
        words: &["Autoscaling"],
        title: "The autoscaler knows how many replicas are needed",
        means: "The HorizontalPodAutoscaler gets its metrics and sets the number of replicas.",
        why: "With spec.autoscaling, the MicroService does not say how many there are.",
        next: "Nothing.",
        example: Example::Said("ScalingActive=True Autoscaling: the autoscaler knows how many replicas are needed"),
    },
    Entry {
        code: "GM764",
        words: &["AutoscalerInactive"],
        title: "The autoscaler cannot tell how many replicas are needed",
        means: "The HorizontalPodAutoscaler gets no metrics, or has nothing to scale. The replicas stay as many as they are.",
        why: "The words are the autoscaler's. The service runs, so Ready does not speak of it.",
        next: "Look whether metrics-server, or the adapter of the metrics in spec.autoscaling, runs.",
        example: Example::Said(
            "ScalingActive=False AutoscalerInactive: FailedGetResourceMetric: the HPA was unable to compute the \
                replica count: unable to get metrics for resource cpu",
        ),
    },
    Entry {
        code: "GM765",
        words: &["AutoscalerPending"],
        title: "The autoscaler has not said anything yet",
        means: "The HorizontalPodAutoscaler was applied, and Kubernetes has not looked at it yet.",
        why: "What was not observed is Unknown.",
        next: "Wait: it looks every 15 seconds. If it stays, kube-controller-manager does not run.",
        example: Example::Said("ScalingActive=Unknown AutoscalerPending: the autoscaler has not said anything yet"),
    },
];
