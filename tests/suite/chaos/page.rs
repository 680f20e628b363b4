//! The page about what was survived: made of the figures that a run wrote down, and of what stories found.
//!
//! `make chaos` takes the figures of its run over; `UPDATE_GOLDEN=1 cargo test --test suite chaos::page` writes the page.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::figures::together;
use crate::support::files::rust_files;
use crate::support::plane::root;

const PAGE: &str = "docs/unbreakable.md";
const FIGURES: &str = "docs/unbreakable.json";
/// The runs that figures are of, how each is headed, and how one of its stories is told again.
const RUNS: [(&str, &str, &str); 3] = [
    ("stories", "Stories", "make chaos SEEDS="),
    ("kills", "Kills, each amid something", "make chaos KILL_SEEDS="),
    ("shortages", "One shortage after the other", ""),
];

/// How many kills may come to nothing, where a run is one of kills.
const MISSED: &str = "kills that came to nothing; of those that are told one by one, a tenth may";

/// What the stories found, and the test that holds it since.
const FOUND: [(&str, &str); 1] = [(
    "Drift that was seen while one revision gave way to the next was lost: an edit stayed, and no status told it.",
    "what_is_changed_while_one_revision_gives_way_to_the_next_is_put_back_all_the_same",
)];

const INTRODUCTION: &str = "# What Gitmoor survives

Made by `make chaos`, which anybody can run: nothing of this page is written by hand but its sentences.

A *story* is a list of steps that follows from a number, its seed: commits (good, refused, hundreds of services at a time, on another
history, which is followed or waits for somebody), edits of services and of their workloads by several field managers and by forced
applies, fields that somebody adds, deletions, policies about drift that change on the GitSync and on services in Git, pauses, Secrets and
passwords that are rotated, a Git server that is down, that is an older copy of itself or serves another repository, suspensions and
approvals, services that move between two GitSyncs of which one depends on the other; and between them faults, kills, and hand-overs from
one daemon to another. All is real: the API server, etcd and the controllers of Kubernetes, Git, and the daemon, as processes. Only pods do
nothing, for there are no containers.

What a story may leave behind follows from a small model that knows nothing of the daemon. An observer of its own writes down each
version of each object, and the API server's audit log says who asked for what. When a story is over, judges read all of it.

| never, at any moment | how it is seen |
|---|---|
| a deletion of what each revision that the daemon may know declares | audit log, commits |
| more deletions within an hour than the budget of what was there, without somebody's approval | audit log, versions |
| a deletion of a Deployment whose service is there | audit log, versions |
| a service with an image, replicas or a field that no commit and nobody's hand gave it | versions, commits |
| an image of a commit before the applied one, or of a revision that is held | versions, status |
| a write to a service while its GitSync says that it is suspended | audit log, status |
| an edit, an added field or a deletion that is undone while a policy or a pause says that it stays, of services and of their Deployments | versions, status |
| `Ready` with `Applied`, and a service never was as that commit says | versions, status |
| a service said to be ready whose image never served | versions of its Deployment |
| a revision applied that is older than one before, or of another repository | versions of the GitSync |
| an object that no commit declares | versions |
| a secret's value in an object or in a log line | versions, logs |
| a panic, or a log line that is none | logs |
| two daemons that write at a time; one that writes before it has the Lease, after it gave it back, or after it passed to another | audit log, versions of the Lease |

| at rest, when all is well again | |
|---|---|
| the newest commit is applied, and the cluster is what it declares | but for what a guard holds: each deletion is named in the status, for a reason that there is |
| each GitSync is `Ready` with `Applied`, or says the one reason why not; it is neither `Stalled` nor `Reconciling` without one | status |
| it counts what is declared, ready, refused and drifted as it is | status, versions |
| what somebody did is put back, or stays, as the policy says | on services and on their workloads |
| what nobody touched has not been written | its generation is the same |
| a service that reads a Secret runs with its newest value | a checksum in the Deployment |
";

const REST: &str = "
## What becomes of a daemon that lacks something

| it lacks | what it does |
|---|---|
| the API server | tries again, ever more rarely; a leader ends before its lease can be another's |
| the Git server | goes on correcting by what it has read; says so, and deletes nothing |
| room on its disk | goes on by what it has read, and says `StoreFull` ([GM470](codes/GM470.md)) until there is room |
| file descriptors | fails what needs one, and goes on when there are some |
| memory | is ended by its runtime or by the system, as any process is; the next one begins where the cluster and Git are |
| a right clock | leads and follows all the same: leases are measured by what is seen to change, and not by what is written in them |

## Again, on your machine

```console
$ make chaos MINUTES=60
$ make chaos KILLS=1000
$ make chaos SEEDS=7,8
$ make chaos KILL_SEEDS=7,8
```

A seed tells the same steps again, of the same commit of Gitmoor; when the daemons do what is theirs to decide. A story that goes wrong is printed with its seed, then told again in ever fewer steps. The suite of each commit tells two stories,
twenty kills, and one shortage after the other, always the same.
";

#[test]
fn the_page_about_what_was_survived_is_that_of_its_figures() {
    let figures = root().join(FIGURES);
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    if let Some(folder) = std::env::var_os("GITMOOR_CHAOS_TAKE_OVER") {
        let mut all = if figures.exists() { read(&figures) } else { json!({}) };
        // Each job of the run has a folder of its own.
        let mut jobs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        jobs.sort();
        for (run, ..) in RUNS {
            let paths = jobs.iter().map(|job| job.join(format!("{run}.json")));
            let records: Vec<Value> = paths.filter(|path| path.exists()).map(|path| read(&path)).collect();
            if !records.is_empty() {
                all[run] = together(&records);
            }
        }
        fs::write(&figures, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
    }
    let wanted = page(&read(&figures));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(PAGE), &wanted).unwrap();
    }
    let committed = fs::read_to_string(root().join(PAGE)).unwrap_or_default();
    assert!(committed == wanted, "{PAGE} is stale: run this test with UPDATE_GOLDEN=1 and commit the page");
}

#[test]
fn every_bug_that_stories_found_is_held_by_a_test_that_there_is() {
    let files = ["tests", "src"].into_iter().flat_map(rust_files);
    let sources: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    for (bug, test) in FOUND {
        assert!(sources.contains(&format!("fn {test}(")), "{bug} is held by {test}, which there is not");
    }
}

fn page(figures: &Value) -> String {
    let mut page = INTRODUCTION.to_owned();
    for (run, heading, again) in RUNS {
        if figures[run].is_object() {
            write!(page, "\n## {heading}\n\n{}", section(&figures[run], again)).unwrap();
        }
    }
    page.push_str("\n## What stories found\n\nEach is mended, and held by a test of its own since.\n\n| what was wrong | the test |\n|---|---|\n");
    for (bug, test) in FOUND {
        writeln!(page, "| {bug} | `{test}` |").unwrap();
    }
    page + REST
}

/// The figures of one run, of which a story is told again by that.
fn section(run: &Value, again: &str) -> String {
    let machine = &run["machine"];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let sum =
        |counts: &Value| counts.as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum::<u64>();
    let mut said = format!(
        "On {}{}, in {}, on {} cores with {} of memory, {}, Linux {}, other work beside it.\n\n| | |\n|---|--:|\n",
        text(&run["date"]),
        run["commit"].as_str().map(|commit| format!(", of commit `{commit}`")).unwrap_or_default(),
        time(run["seconds"].as_u64().unwrap_or_default()),
        machine["cores"],
        text(&machine["memory"]),
        text(&machine["architecture"]),
        text(&machine["kernel"]),
    );
    let wrong = run["wrong"].as_array().map_or(0, Vec::len);
    let rows = [
        ("stories", run["stories"].clone()),
        ("of them with something wrong", json!(wrong)),
        ("steps", json!(sum(&run["steps"]))),
        ("kills -9 of a daemon", json!(sum(&run["kills"]))),
        (MISSED, run["kills that missed"].clone()),
        ("faults that were met", json!(sum(&run["faults"]))),
        ("daemons that were started again", run["daemons started again"].clone()),
        ("times at rest, with the cluster as the model says", run["rests"].clone()),
        ("versions of objects that the judges read", run["moments"].clone()),
        ("reads in the audit log", run["reads"].clone()),
        ("writes in the audit log", run["writes"].clone()),
        ("of them while two daemons ran, none at the same time", run["writes of replicas"].clone()),
        ("calls about their Lease", run["calls about leases"].clone()),
    ];
    for (what, count) in rows {
        writeln!(said, "| {what} | {count} |").unwrap();
    }
    for (what, counts) in [("step", &run["steps"]), ("killed", &run["kills"]), ("fault", &run["faults"])] {
        if sum(counts) > 0 {
            write!(said, "\n| {what} | times |\n|---|--:|\n").unwrap();
            for (word, count) in counts.as_object().into_iter().flatten() {
                writeln!(said, "| {word} | {count} |").unwrap();
            }
        }
    }
    let seeds: Vec<_> = run["seeds"].as_array().into_iter().flatten().map(Value::to_string).collect();
    write!(said, "\nSeeds: {}.", seeds.join(", ")).unwrap();
    if let (Some(length), Some(first)) = (run["length"].as_u64(), seeds.first()) {
        let (what, asked) =
            if again.contains("KILL") { ("kills", "") } else { ("steps", &*format!(" STEPS={length}")) };
        write!(said, " Each has {length} {what}; `{again}{first}{asked}` tells the first one again.").unwrap();
    }
    said + "\n"
}

fn time(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}
