//! The results as Markdown, which is also what the terminal shows.

use std::fmt::Write;

use crate::edits::Edits;
use crate::plan::Plans;
use crate::results::{Results, Size};
use crate::stats::{Latency, median};

/// The whole table.
pub fn markdown(results: &Results) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "{}\n{}\n{}\n{}\n{}",
        targets(results),
        side_by_side(results),
        children(results),
        history(results),
        footnote(results)
    );
    text
}

fn targets(results: &Results) -> String {
    let mut text = String::new();
    let sizes: Vec<String> = results.sizes.iter().map(|size| thousands(size.services)).collect();
    let _ = write!(text, "| target |");
    for size in &sizes {
        let _ = write!(text, " {size} MicroServices |");
    }
    let _ = write!(text, "\n|---|");
    for _ in &sizes {
        let _ = write!(text, "---|");
    }
    text.push('\n');
    let Some(first) = results.sizes.first() else { return text };
    for wanted in results.targets.iter().filter(|target| target.services == first.services) {
        let same: Vec<_> = results.targets.iter().filter(|target| target.id == wanted.id).collect();
        let bounds: Vec<String> = same.iter().map(|target| number(target.at_most)).collect();
        let bound =
            if bounds.windows(2).all(|pair| pair[0] == pair[1]) { bounds[0].clone() } else { bounds.join(" / ") };
        let _ = write!(text, "| {}: at most {bound}{} |", wanted.what, wanted.unit);
        for target in &same {
            let mark = if target.met { "✓" } else { "**missed**" };
            let _ = write!(text, " {}{} {mark} |", number(target.measured), target.unit);
        }
        text.push('\n');
    }
    for target in results.targets.iter().filter(|target| !target.met) {
        let reason = target.reason.as_deref().unwrap_or_default();
        let _ = writeln!(text, "\nMissed at {}: {}: {reason}.", thousands(target.services), target.what);
    }
    text
}

fn side_by_side(results: &Results) -> String {
    let mut text = String::from("| |");
    let mut row = |name: &str, cell: &dyn Fn(&Size) -> String| {
        let cells: Vec<String> = results.sizes.iter().map(cell).collect();
        // What was not measured at any size has no row.
        if cells.iter().any(|cell| *cell != dash()) {
            let _ = writeln!(text, "{name} {} |", cells.join(" | "));
        }
    };
    row("", &|size| format!("{} MicroServices", thousands(size.services)));
    row("|---|", &|_| "---".into());
    row("| **everything new**: bare apply loop, the limit |", &|size| seconds(size.bare_seconds()));
    row("| Gitmoor, from its start to the end of its first sync |", &|size| seconds(size.cold_seconds()));
    row("| `kubectl apply --server-side -R` |", &|size| {
        size.others.as_ref().map_or_else(dash, |all| seconds(all.kubectl_apply.seconds))
    });
    row("| **nothing new**: Gitmoor, a webhook without a commit |", &|size| {
        let pass = &size.unchanged;
        format!("{}, {} ms CPU, {} calls", millis(pass.took.median), number(pass.cpu_ms), pass.calls.total())
    });
    row("| Gitmoor, a commit that touches no manifest |", &|size| {
        let pass = &size.touched;
        let calls = pass.calls.total() as f64 / pass.passes.max(1) as f64;
        format!(
            "{}, {} ms CPU, calls: {}, for the GitSync's status",
            millis(pass.took.median),
            number(pass.cpu_ms),
            number(calls)
        )
    });
    row("| Gitmoor, restarted |", &|size| {
        format!("{}, {} MicroService writes", seconds(size.restart.seconds), size.restart.calls.writes())
    });
    row("| bare apply loop again |", &|size| {
        let others = size.others.as_ref();
        others
            .map_or_else(dash, |all| format!("{}, {} calls", seconds(all.bare_again.seconds), thousands(size.services)))
    });
    row("| `kubectl apply --server-side -R` again |", &|size| {
        size.others.as_ref().map_or_else(dash, |all| kubectl(&all.kubectl_apply_again))
    });
    row("| `kubectl diff --server-side -R` |", &|size| {
        size.others.as_ref().map_or_else(dash, |all| kubectl(&all.kubectl_diff))
    });
    row("| **one change**: webhook until applied |", &|size| latency(&size.changed.applied));
    row("| **the plan alone**: of a revision that changes nothing |", &|size| plan(size, |plans| &plans.unchanged));
    row("| of one that changes 1 % and removes 1 % |", &|size| plan(size, |plans| &plans.some));
    row("| of one that changes everything |", &|size| plan(size, |plans| &plans.all));
    row("| hand edit until reported |", &|size| latency(&size.drifted.reported));
    row("| hand edit until healed |", &|size| latency(&size.drifted.healed));
    row("| **memory**: peak of the first sync |", &|size| {
        megabytes(size.cold.iter().map(|run| run.peak_bytes).max().unwrap_or_default())
    });
    row("| peak of a restart |", &|size| megabytes(size.restart.peak_bytes));
    row("| at rest at the end |", &|size| megabytes(size.resident_bytes));
    text
}

fn children(results: &Results) -> String {
    let Some(all) = &results.with_children else { return String::new() };
    let mut text = format!(
        "With the controller on, {} MicroServices and their children were ready after {}; the daemon used {} CPU and at most {}, \
         made {} calls, and {} in the quiet seconds after. What it watches:\n\n| kind | objects | as sent |\n|---|---|---|\n",
        thousands(all.services),
        seconds(all.seconds),
        seconds(all.cpu_seconds),
        megabytes(all.peak_bytes),
        many(all.calls.total()),
        all.calls_when_ready.total(),
    );
    for kind in &all.watched {
        let count = many(kind.objects);
        let _ = writeln!(text, "| {} | {count} | {} |", kind.kind, megabytes(kind.bytes));
    }
    let Some((burst, sustained)) = all.burst.as_ref().zip(all.sustained.as_ref()) else { return text };
    text.push_str(
        "\n| hand edits, half of them of children | reported | put back | all done | memory |\n|---|---|---|---|---|\n",
    );
    let mut row = |what: String, edits: &Edits| {
        let memory = format!("{} → {}", megabytes(edits.resident_before), megabytes(edits.resident_after));
        let (reported, mut healed) = (latency(&edits.reported), latency(&edits.healed));
        if edits.overtaken > 0 {
            let _ = write!(healed, "; {} were overtaken by another edit before", thousands(edits.overtaken));
        }
        let _ = writeln!(text, "| {what} | {reported} | {healed} | {} | {memory} |", seconds(edits.seconds));
    };
    row(format!("{} at once", thousands(burst.edits)), burst);
    let rate = format!(
        "{:.0} a second of {:.0} that the API server can write",
        sustained.per_second, sustained.capacity_per_second
    );
    row(format!("{}, {rate}", thousands(sustained.edits.edits)), &sustained.edits);
    text
}

/// The source alone.
fn history(results: &Results) -> String {
    let Some(all) = &results.history else { return String::new() };
    let mut text = format!(
        "The source alone, of a repository with {} manifests and {} commits:\n\n| | measured | should be at most |\n|---|---|---|\n",
        thousands(all.manifests),
        thousands(all.commits)
    );
    let mut row = |what: &str, measured: String, at_most: &str| {
        let _ = writeln!(text, "| {what} | {measured} | {at_most} |");
    };
    row("a poll without a new commit", latency(&all.poll), "15 ms");
    row("a fetch of one commit", latency(&all.fetch), "40 ms");
    let clone = seconds(median(all.clones.iter().copied()));
    row("first clone", format!("{clone}, {} × `git clone --depth 1 --bare`", number(all.ratio())), "1.5 ×");
    row("memory", megabytes(all.peak_bytes), "80 MB");
    text
}

fn footnote(results: &Results) -> String {
    let (machine, versions) = (&results.machine, &results.versions);
    let rounds = results.sizes.first().map_or(0, |size| size.cold.len());
    let mut warning = String::new();
    if results.is_busy() {
        warning.push_str(
            "**The machine was busy with other work: times are a hint, and what took a shorter time than the limit shows \
             how large the noise is. Calls are not affected, memory hardly.** ",
        );
    }
    if let Some(note) = &results.note {
        warning.push_str(note);
        warning.push(' ');
    }
    let runs = results.sizes.first().map_or(0, |size| size.changed.applied.runs);
    format!(
        "{warning}Measured {} on {machine}; API server, etcd, controllers, Git server and benchmark on the same cores. \
         {versions}. {} calls in flight. First syncs: median of {rounds}; latencies: median and p99 of {runs}. \
         Calls are those in the API server's audit log, memory and CPU those of /proc.\n",
        results.date, results.concurrency,
    )
}

fn kubectl(run: &crate::limit::Kubectl) -> String {
    let calls = many(run.calls);
    format!("{}, {} CPU, {calls} calls", seconds(run.seconds), seconds(run.cpu_seconds))
}

fn latency(latency: &Latency) -> String {
    format!("{}, p99 {}", millis(latency.median), millis(latency.p99))
}

fn plan(size: &Size, which: impl Fn(&Plans) -> &Latency) -> String {
    size.plans.as_ref().map_or_else(dash, |plans| latency(which(plans)))
}

fn dash() -> String {
    "–".into()
}

/// 1.5 s.
pub fn seconds(value: f64) -> String {
    format!("{value:.1} s")
}

/// 15 ms.
pub fn millis(value: f64) -> String {
    format!("{value:.0} ms")
}

/// Millions of bytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// Two digits behind the point where they matter.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// 10000 as 10,000.
pub fn thousands(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The same of what is counted in 64 bits.
pub fn many(value: u64) -> String {
    thousands(usize::try_from(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_are_worth() {
        assert_eq!([number(1.0), number(1.234), number(12.34), number(123.4)], ["1", "1.23", "12.3", "123"]);
        assert_eq!([thousands(7), thousands(1000), thousands(1_234_567)], ["7", "1,000", "1,234,567"]);
    }
}
