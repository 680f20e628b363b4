//! The shapes of what runs pods.

use super::super::shape::METADATA;
use super::super::shape::Shape::{
    self, Any, Atomic, Filled, Flag, IntOrPercent, Keyed, List, Object, Omitted, Record, Text, Whole, Wish,
};
use super::BY_NAME;
use super::pod::POD_TEMPLATE;

pub(super) static DEPLOYMENT: Shape = Object(&[(
    "spec",
    &Record(&[
        ("selector", &Atomic(&Any)),
        ("template", &POD_TEMPLATE),
        ("minReadySeconds", &Omitted),
        ("paused", &Omitted),
        // Not declared where an autoscaler says how many; whoever writes it then has no part in what Git says.
        ("replicas", &Wish),
        ("progressDeadlineSeconds", &Whole(600)),
        ("revisionHistoryLimit", &Whole(10)),
        ("strategy", &STRATEGY),
        ("updateStrategy", &STRATEGY),
    ]),
)]);

static STRATEGY: Shape = Filled(&[
    ("type", &Text("RollingUpdate")),
    ("rollingUpdate", &Filled(&[("maxSurge", &IntOrPercent("25%")), ("maxUnavailable", &IntOrPercent("25%"))])),
]);

pub(super) static JOB: Shape = Object(&[("spec", &JOB_SPEC)]);

pub(super) static CRON_JOB: Shape = Object(&[(
    "spec",
    &Record(&[
        ("concurrencyPolicy", &Text("Allow")),
        ("suspend", &Flag(false)),
        ("successfulJobsHistoryLimit", &Whole(3)),
        ("failedJobsHistoryLimit", &Whole(1)),
        ("jobTemplate", &Record(&[("metadata", &METADATA), ("spec", &JOB_SPEC)])),
    ]),
)]);

static JOB_SPEC: Shape = Record(&[
    // The API server makes it, and labels to match in the template.
    ("selector", &Shape::WishOf(&Atomic(&Any))),
    ("template", &POD_TEMPLATE),
    ("parallelism", &Whole(1)),
    ("completions", &Whole(1)),
    ("backoffLimit", &Whole(6)),
    ("completionMode", &Text("NonIndexed")),
    ("suspend", &Flag(false)),
    // Its default follows from the failure policy.
    ("podReplacementPolicy", &Wish),
    ("manualSelector", &Wish),
    (
        "podFailurePolicy",
        &Record(&[(
            "rules",
            &List(&Record(&[
                ("onExitCodes", &Record(&[("values", &Shape::Set)])),
                ("onPodConditions", &List(&Record(&[("status", &Text("True"))]))),
            ])),
        )]),
    ),
    ("scheduling", &Record(&[("resourceClaims", &Keyed(BY_NAME, &Any))])),
]);
