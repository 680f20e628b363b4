//! `docs/sizing.md`: what was measured, the lines through it, and where they lead. Nothing on that page is written by hand.

use std::fmt::Write;

use crate::cost::{Cost, FullRow, SyncRow};
use crate::results::{Machine, Versions};
use crate::shards::{Figure, HEADROOM, Model, PATIENCE, Request, Unit, shards};
use crate::table::{many, megabytes, number, thousands};

/// Sizes for which the page says what to ask for.
const ASKED: [usize; 5] = [500, 1000, 2000, 5000, 10_000];
/// Sizes far beyond what was measured.
const FAR: [f64; 2] = [100_000.0, 1_000_000.0];

/// The page. `deployment` is `deploy/gitmoor.yaml`.
pub fn page(cost: &Cost, deployment: &str) -> String {
    let mut text = String::from(
        "# Sizing\n\nWhat so many MicroServices cost, what to ask the cluster for, and what stands in the way of more. `bench/run --cost` \
         measures it\nand writes this page from [its \
         results](https://github.com/gitmoor/gitmoor/blob/main/bench/results/cost.json); do not edit it.\n\n",
    );
    text.push_str(&doubts(cost));
    let Some(model) = Model::of(cost) else {
        text.push_str("Of fewer than two sizes there is no line to draw.\n");
        return text;
    };
    for part in [
        requests(&model, deployment),
        measured(cost),
        lines(&model),
        far(&model),
        walls(cost, &model),
        spread(&model),
        footnote(&cost.date, &cost.machine, &cost.versions, cost.concurrency),
    ] {
        text.push_str(&part);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What a reader must know before believing any number.
fn doubts(cost: &Cost) -> String {
    let mut text = String::new();
    if cost.machine.was_busy() {
        text.push_str("**The machine was busy with other work: times are a hint. Calls and sizes are not affected, memory hardly.**\n\n");
    }
    let largest = cost.sync.iter().map(|row| row.services).max().unwrap_or_default();
    if largest < 10_000 {
        let _ = write!(
            text,
            "**Measured up to {} MicroServices only: `bench/run --cost` without further options goes to 20,000, and what is said below \
             of more is drawn out far.**\n\n",
            thousands(largest)
        );
    }
    text
}

fn requests(model: &Model, deployment: &str) -> String {
    let mut text = String::from(
        "## What to ask for\n\nFor `resources` of the container `gitmoor` in `deploy/gitmoor.yaml`, for the chart's `resources`, and for the \
         volume of `--cache-dir`. Each of\nthe two replicas needs it: the one that stands by keeps all that is live in memory, too.\n\n\
         | MicroServices | memory request | memory limit | CPU request | volume of the cache |\n|---|---|---|---|---|\n",
    );
    for services in ASKED {
        let Request { memory, limit, cpu, cache } = model.request(services as f64);
        let beyond = if services > model.measured { " (drawn out)" } else { "" };
        let _ = writeln!(
            text,
            "| up to {}{beyond} | {memory:.0}Mi | {limit:.0}Mi | {cpu:.0}m | {cache:.0}Mi |",
            thousands(services)
        );
    }
    text.push_str(
        "\nThe request is what was seen at rest and a quarter more; the limit is the peak of a first sync and as much again, for what \
         happens [under load](load.md); CPU is for one changed file a\nsecond, with its rollout. The volume is for a file per service, twice over, for a cache that is compacted is there twice. Do not set a limit of CPU: work comes in bursts, and a throttled \
         daemon is a late one.\n",
    );
    if let Some((asked, allowed)) = resources(deployment) {
        let fits = model.peak.reaches(allowed / HEADROOM * 1024.0 * 1024.0).map(rounded);
        let fits = fits.map_or_else(|| "however many".to_owned(), |services| format!("up to {services}"));
        let _ = writeln!(
            text,
            "`deploy/gitmoor.yaml` asks for {asked:.0}Mi and allows {allowed:.0}Mi, which by these rules is enough for {fits} \
             MicroServices."
        );
    }
    text
}

/// Memory that the Deployment asks for, and that it may have, in mebibytes.
fn resources(deployment: &str) -> Option<(f64, f64)> {
    let of = |field: &str| -> Option<f64> {
        let line = deployment.lines().find(|line| line.trim_start().starts_with(field))?;
        let (_, value) = line.split_once("memory: ")?;
        let of = |unit: &str| value.split_once(unit)?.0.parse::<f64>().ok();
        of("Mi").or_else(|| Some(of("Gi")? * 1024.0))
    };
    Some((of("requests:")?, of("limits:")?))
}

fn measured(cost: &Cost) -> String {
    let mut text = String::from(
        "## What was measured\n\nFrom Git to MicroServices, one file of about 800 bytes each, without their children:\n\n",
    );
    let mut row = |name: &str, cell: &dyn Fn(&SyncRow) -> String| {
        let cells: Vec<String> = cost.sync.iter().map(cell).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    };
    row("MicroServices", &|row| thousands(row.services));
    row("---", &|_| "---".into());
    row("the first sync, everything new", &|row| short(row.first.seconds));
    row("its CPU", &|row| short(row.first.cpu_seconds));
    row("its calls", &|row| many(row.first.calls.total()));
    row("memory, its peak", &|row| megabytes(row.first.peak_bytes));
    row("memory at rest", &|row| megabytes(row.resident_bytes));
    row("at rest, in a minute", &|row| at_rest(&row.rest));
    row("a look that finds nothing new", &|row| {
        format!("{} ms CPU, {} calls", number(row.look.cpu_ms), row.look.calls.total())
    });
    row("a changed file, from the webhook until applied", &|row| {
        let applied = &row.changed.applied;
        format!("{:.0} ms, p99 {:.0} ms", applied.median, applied.p99)
    });
    row("its CPU and calls", &|row| {
        let calls = row.changed.calls.total() as f64 / row.changed.applied.runs.max(1) as f64;
        format!("{} ms, {} calls", number(row.changed.cpu_ms), number(calls))
    });
    row("a start with all applied, with the cache", &|row| short(row.warm.seconds));
    row("a start with all applied, with an empty cache", &|row| short(row.without_cache.seconds));
    row("the cache on disk", &|row| megabytes(row.cache_bytes));
    row("status of the GitSync", &|row| kilobytes(row.gitsync_status_bytes as f64));
    row("a MicroService in the API server", &|row| kilobytes(row.services_bytes as f64 / row.services as f64));
    text.push_str("\nWith the controller, the children and their pods:\n\n");
    let mut row = |name: &str, cell: &dyn Fn(&FullRow) -> String| {
        let cells: Vec<String> = cost.full.iter().map(cell).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    };
    row("MicroServices", &|row| thousands(row.services));
    row("---", &|_| "---".into());
    row("children and pods", &|row| {
        many(row.watched.iter().filter(|kind| kind.kind != "MicroService").map(|kind| kind.objects).sum())
    });
    row("from nothing until the last object is written", &|row| short(row.applied_seconds));
    row("the same objects by a bare loop", &|row| {
        let Some(bare) = &row.bare else { return "–".into() };
        format!("{}; the daemon takes {} ×", short(bare.seconds), number(row.applied_seconds / bare.seconds))
    });
    row("from nothing until all are ready", &|row| short(row.seconds));
    row("CPU for that", &|row| short(row.cpu_seconds));
    row("calls for that", &|row| many(row.calls.total()));
    row("memory, peak", &|row| megabytes(row.peak_bytes.max(row.restart.peak_bytes)));
    row("memory at rest", &|row| megabytes(row.resident_bytes));
    row("at rest, in a minute", &|row| at_rest(&row.rest));
    row("a changed file with its rollout", &|row| {
        let each = row.changes.changes.max(1) as f64;
        let (cpu, calls) = (row.changes.cpu_seconds * 1000.0 / each, row.changes.calls.total() as f64 / each);
        format!("{} ms CPU, {} calls", number(cpu), number(calls))
    });
    row("a restart, until all is seen", &|row| short(row.restart.seconds));
    row("its calls", &|row| many(row.restart.calls.total()));
    row("a MicroService and its children in the API server", &|row| {
        kilobytes(row.watched.iter().map(|kind| kind.bytes).sum::<u64>() as f64 / row.services as f64)
    });
    row("the largest status of a MicroService", &|row| kilobytes(row.service_status_bytes as f64));
    row("status of the GitSync", &|row| kilobytes(row.gitsync_status_bytes as f64));
    text
}

fn at_rest(rest: &crate::cost::Rest) -> String {
    format!(
        "{:.2} s CPU, {} calls",
        rest.cpu_seconds * 60.0 / rest.seconds,
        number(rest.calls.total() as f64 * 60.0 / rest.seconds)
    )
}

fn lines(model: &Model) -> String {
    let mut text = String::from(
        "## The lines through it\n\nBy least squares. The last column is the point that is farthest from its line, as a share of what was measured \
         there: where it is large, the\nline is no more than a direction.\n\n| | by itself | each 1,000 MicroServices | farthest point |\n|---|---|---|---|\n",
    );
    let mut rows = |title: &str, figures: &[Figure]| {
        for Figure { what, unit, line } in figures {
            let off = if line.residual.is_finite() { format!("{:.0} %", line.residual * 100.0) } else { "–".into() };
            let _ = writeln!(
                text,
                "| {title}: {what} | {} | {} | {off} |",
                shown(*unit, line.intercept),
                shown(*unit, line.slope * 1000.0)
            );
        }
    };
    rows("without children", &model.sync);
    rows("with children", &model.full);
    text
}

fn far(model: &Model) -> String {
    let mut text = String::from(
        "## Far beyond\n\nWhere the lines lead one daemon, if nothing else stood in its way. It is no measurement.\n\n| with children | 100,000 MicroServices | 1,000,000 |\n|---|---|---|\n",
    );
    for Figure { what, unit, line } in &model.full {
        let cells: Vec<String> = FAR.iter().map(|services| shown(*unit, line.at(*services))).collect();
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    }
    let objects: Vec<String> = FAR.iter().map(|services| megabytes((services * model.object_bytes) as u64)).collect();
    let _ = writeln!(text, "| objects in the API server | {} |", objects.join(" | "));
    let all = FAR.map(|services| shown(Unit::Seconds, services * model.writes / model.writes_per_second));
    let _ = writeln!(text, "| writing everything once | {} |", all.join(" | "));
    text
}

fn walls(cost: &Cost, model: &Model) -> String {
    let mut text = String::from(
        "## What breaks first\n\nIn one cluster, in the order in which one meets it. The thresholds are those of [Kubernetes' scalability \
         group](https://github.com/kubernetes/community/blob/master/sig-scalability/configs-and-limits/thresholds.md) and \
         of [etcd](https://etcd.io/docs/latest/dev-guide/limit/).\n\n| wall | at MicroServices | |\n|---|---|---|\n",
    );
    for wall in model.walls() {
        let _ = writeln!(text, "| {} | {} | {} |", wall.what, rounded(wall.at), wall.why);
    }
    let statuses = cost.sync.iter().map(|row| row.gitsync_status_bytes);
    let statuses = statuses.chain(cost.full.iter().map(|row| row.gitsync_status_bytes));
    let calls =
        cost.sync.iter().map(|row| row.rest.calls.total()).chain(cost.full.iter().map(|row| row.rest.calls.total()));
    let _ = write!(
        text,
        "\nNone of them is the size of a status: that of a GitSync names a bounded number of findings and counts the rest, and was at most {} \
         at any\nsize; an object may have 1.5 MiB. Nor is it what the daemon asks when nothing happens: {} calls in all the rests that were \
         measured.\n",
        kilobytes(statuses.max().unwrap_or_default() as f64),
        calls.sum::<u64>()
    );
    text
}

fn spread(model: &Model) -> String {
    let mut text = String::from(
        "## More than one cluster takes\n\nIn a cluster one daemon acts for all GitSyncs of all namespaces. There is no way to give a daemon a part of them: a second \
         installation in the same\ncluster would act on the same GitSyncs. Many GitSyncs divide the work, for each has a loop of its own and fails alone; they do not \
         divide memory. So a\nshard is a cluster, with an installation of its own, and GitSyncs that read its own `paths` of one repository, or a \
         repository of its own.\n\n| | clusters | memory of a daemon, peak | memory of all, with those that stand by | writing everything once |\n|---|---|---|---|---|\n",
    );
    let walls = model.walls();
    let first = walls.first().map_or(1.0, |wall| wall.at);
    // What Kubernetes is tested with is advice; the next wall is another matter.
    let second = walls.get(1).map_or(first, |wall| wall.at);
    for services in FAR {
        for (each, wall) in [(first, 0), (second, 1)] {
            let clusters = shards(services, each);
            let per = (services / clusters).ceil();
            let peak = model.peak.at(per);
            let Some(wall) = walls.get(wall) else { continue };
            let _ = writeln!(
                text,
                "| {} up to the wall of {} | {} | {} | {} | {} |",
                thousands(services as usize),
                wall.what
                    .split(", at ")
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches(" for a commit that changes everything"),
                thousands(clusters as usize),
                megabytes(peak as u64),
                megabytes((peak * clusters * 2.0) as u64),
                shown(Unit::Seconds, per * model.writes / model.writes_per_second)
            );
        }
    }
    let _ = write!(
        text,
        "\nClusters write side by side, so that what changes in all of them takes as long as in one: at the wall of {:.0} minutes, so long.\n",
        PATIENCE / 60.0
    );
    text
}

/// Where and of what it was measured.
pub fn footnote(date: &str, machine: &Machine, versions: &Versions, concurrency: usize) -> String {
    format!(
        "---\n\nMeasured {date} on {machine}; API server, etcd, controllers, Git server and benchmark on the \
         same cores, and what kubelets do\nis made up. {versions}. {concurrency} calls in flight. How it is measured is in \
         [bench/README.md](https://github.com/gitmoor/gitmoor/blob/main/bench/README.md).\n"
    )
}

fn shown(unit: Unit, value: f64) -> String {
    let (scaled, word) = match unit {
        Unit::Megabytes => (value / 1e6, " MB"),
        Unit::Seconds => (value, " s"),
        Unit::Millis => (value * 1000.0, " ms"),
        Unit::Calls => (value, ""),
    };
    match scaled.abs() {
        // Less than what is measured at all.
        small if small < 0.005 => format!("0{word}"),
        large if large >= 1000.0 => {
            let sign = if scaled < 0.0 { "-" } else { "" };
            format!("{sign}{}{word}", thousands(large.round() as usize))
        }
        _ => format!("{}{word}", number(scaled)),
    }
}

/// Two digits of a large number.
fn rounded(value: f64) -> String {
    if value > 1e12 {
        return "more than can be counted".into();
    }
    let magnitude = 10_f64.powf(value.max(1.0).log10().floor() - 1.0).max(1.0);
    thousands(((value / magnitude).round() * magnitude) as usize)
}

fn short(seconds: f64) -> String {
    shown(Unit::Seconds, seconds)
}

fn kilobytes(bytes: f64) -> String {
    format!("{} kB", number(bytes / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_committed_results_give() {
        crate::results::check_page("cost.json", "sizing.md", |cost: &Cost| {
            page(cost, include_str!("../../deploy/gitmoor.yaml"))
        });
    }

    #[test]
    fn the_deployment_is_read_as_it_is() {
        assert!(resources(include_str!("../../deploy/gitmoor.yaml")).is_some());
        let check = |text: &str, expected| assert_eq!(resources(text), expected, "{text}");
        check("  requests: {cpu: 50m, memory: 128Mi}\n  limits: {memory: 512Mi}\n", Some((128.0, 512.0)));
        check("  requests: {cpu: 50m, memory: 128Mi}\n  limits: {memory: 1Gi}\n", Some((128.0, 1024.0)));
        check("  requests: {cpu: 50m, memory: 1G}\n  limits: {memory: 512Mi}\n", None);
        check("", None);
    }

    #[test]
    fn values_are_as_long_as_they_are_worth() {
        let check = |unit, value, expected: &str| assert_eq!(shown(unit, value), expected);
        check(Unit::Seconds, 0.0001, "0 s");
        check(Unit::Seconds, -0.25, "-0.25 s");
        check(Unit::Millis, 0.0123, "12.3 ms");
        check(Unit::Megabytes, 12_345e6, "12,345 MB");
        check(Unit::Calls, -1234.4, "-1,234");
        assert_eq!([7.0, 9_876.0, 165_191.0, 1e15].map(rounded), ["7", "9,900", "170,000", "more than can be counted"]);
    }
}
