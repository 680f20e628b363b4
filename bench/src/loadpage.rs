//! `docs/load.md`: what the daemon does when very much is asked of it. Nothing on that page is written by hand.

use std::fmt::Write;

use crate::audit::Calls;
use crate::change::Drifted;
use crate::cost::Restart;
use crate::course::{Course, Trend};
use crate::edits::{Edits, Sustained};
use crate::everything::Everything;
use crate::flood::Flood;
use crate::load::{Load, Part, SCHEMA};
use crate::sizing::footnote;
use crate::stats::Latency;
use crate::table::{many, megabytes, number, seconds, thousands};
use crate::week::Week;

/// The page.
pub fn page(load: &Load) -> String {
    let mut text = format!(
        "# Under load\n\n{} MicroServices with {} children and pods, in {} GitSyncs, {} of which read folders of one repository, and each of \
         the others a\nrepository of its own. `bench/run --load` measures it and writes this page from [its \
         results](https://github.com/gitmoor/gitmoor/blob/main/bench/results/load.json); do not\nedit it. How much memory and CPU \
         so many MicroServices need is in [sizing.md](sizing.md).\n\n",
        thousands(load.services),
        many(load.children),
        load.gitsyncs,
        load.sharing
    );
    if load.machine.was_busy() {
        text.push_str(
            "**The machine was busy with other work: times are a hint. Calls are not affected, memory hardly.**\n\n",
        );
    }
    if let Some(note) = &load.note {
        let _ = write!(text, "**{note}**\n\n");
    }
    if load.services < 10_000 {
        text.push_str("**This is less than `bench/run --load` measures without further options: 10,000 MicroServices in 50 GitSyncs.**\n\n");
    }
    text.push_str(&first(load));
    let _ = write!(text, "\nMost memory until the restart, with all that follows: {}.\n", megabytes(load.peak_bytes));
    part(&mut text, "Webhooks", &load.floods, |all| floods(all));
    text.push_str(
        "\n## Hand edits\n\nHalf of them of MicroServices, half of their Services. Each is reported and put back.\n",
    );
    part(&mut text, "# Many at once", &load.burst, edits);
    part(&mut text, "# A minute of them", &load.sustained, sustained);
    part(&mut text, "# One at a time, of replicas", &load.single, single);
    part(&mut text, "A week of commits", &load.week, week);
    part(&mut text, "A restart", &load.restart, restart);
    part(&mut text, "A commit that changes everything", &load.everything, everything);
    text.push_str(&queues(load));
    text.push('\n');
    text.push_str(&footnote(&load.date, &load.machine, &load.versions, load.concurrency));
    text
}

fn first(load: &Load) -> String {
    let first = &load.first;
    format!(
        "## From nothing\n\nThe last object was written after {}, and all were ready after {}; the daemon used {} of CPU and {} of memory at most, and made {} calls ({} for each MicroService). \
         Then, in {} in which\nnothing happened, {} calls and {:.2} s of CPU.\n",
        seconds(first.applied_seconds),
        seconds(first.seconds),
        seconds(first.cpu_seconds),
        megabytes(first.peak_bytes),
        many(first.calls.total()),
        number(first.calls.total() as f64 / load.services as f64),
        seconds(first.rest.seconds),
        first.rest.calls.total(),
        first.rest.cpu_seconds
    )
}

/// A part of the page; of one that could not be measured, why.
fn part<T>(text: &mut String, title: &str, part: &Part<T>, told: impl Fn(&T) -> String) {
    let told = match part {
        Ok(measured) => told(measured),
        Err(why) => format!("**{why}**\n"),
    };
    // A part of a part has one more.
    let space = if title.starts_with('#') { "" } else { " " };
    let _ = write!(text, "\n##{space}{title}\n\n{told}");
}

fn floods(floods: &[Flood]) -> String {
    let mut text = String::from(
        "Genuine pushes, no two the same, to all GitSyncs in turn, with the limits as they are shipped: a source may send 600 a \
         minute. None of them\nhas a commit behind it. News for a GitSync coalesce: however many come while it looks, it looks once more.\n\n\
         | | a second | answers | until answered | looks at repositories | until the last of them | calls | CPU | memory |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for flood in floods {
        let answers: Vec<String> =
            flood.answers.iter().map(|(word, count)| format!("{} × {word}", thousands(*count))).collect();
        let _ = writeln!(
            text,
            "| {} {} | {:.0} | {} | {} | {} | {} | {} | {} | {} → {} |",
            thousands(flood.sent),
            flood.what,
            flood.per_second,
            answers.join(", "),
            latency(&flood.took),
            many(flood.looks),
            seconds(flood.seconds),
            calls(&flood.calls),
            seconds(flood.cpu_seconds),
            megabytes(flood.resident_before),
            megabytes(flood.resident_after)
        );
    }
    text
}

fn edits(edits: &Edits) -> String {
    let overtaken = match edits.overtaken {
        0 => String::new(),
        count => format!(" {} were overtaken by another edit of the same object.", thousands(count)),
    };
    format!(
        "{} edits: reported {}; put back {}.{overtaken} The last one was put back after {}. {} calls ({}); memory {} → {}.\n",
        thousands(edits.edits),
        latency(&edits.reported),
        latency(&edits.healed),
        seconds(edits.seconds),
        many(edits.calls.total()),
        edits.calls,
        megabytes(edits.resident_before),
        megabytes(edits.resident_after)
    )
}

fn sustained(sustained: &Sustained) -> String {
    format!(
        "{:.0} a second; with the corrections, {:.0} % of the {:.0} writes a second that the API server does when nothing else happens. {}",
        sustained.per_second,
        sustained.per_second * 200.0 / sustained.capacity_per_second,
        sustained.capacity_per_second,
        edits(&sustained.edits)
    )
}

fn single(single: &Drifted) -> String {
    format!(
        "Reported {}; put back {}; {:.1} ms of CPU each.\n",
        latency(&single.reported),
        latency(&single.healed),
        single.cpu_ms
    )
}

fn everything(all: &Everything) -> String {
    let ready = if all.ready == all.services {
        format!("everything was rolled out and ready after {}", seconds(all.ready_seconds))
    } else {
        format!(
            "after {}, when looking ended, {} were rolled out and ready: making pods is the cluster's work, and takes longer",
            seconds(all.ready_seconds),
            thousands(all.ready)
        )
    };
    format!(
        "Another image for each of {} MicroServices, in all repositories at once. A MicroService was changed {} after the announcement, and its \
         Deployment {}; every GitSync\nsaid after {} that all is applied, the last Deployment was changed after {}, and {ready}. {} calls ({} for each MicroService), {} of CPU.\n\n{}",
        thousands(all.services),
        latency(&all.applied),
        latency(&all.written),
        seconds(all.seconds),
        seconds(all.written_seconds),
        many(all.calls.total()),
        number(all.calls.total() as f64 / all.services as f64),
        seconds(all.cpu_seconds),
        course(&all.course)
    )
}

fn week(week: &Week) -> String {
    let refused = match &week.refusal {
        None => String::new(),
        Some(how) => format!(" {} announcements were refused (`{how}`) and made again.", thousands(week.refused)),
    };
    format!(
        "{} commits of one file each, pushed in a row, {:.0} a second, to the repository of {} GitSyncs, each announced to one of them.{refused} Newest wins:\nwhat was pushed meanwhile is applied together. \
         {} after the last push everything was as it says. A commit was applied {} after its push.\nFor all of them there were {} looks at the repository, {} packs, \
         and {}.\n\n{}",
        thousands(week.commits),
        week.per_second,
        week.gitsyncs,
        seconds(week.behind),
        latency(&week.applied),
        many(week.looks),
        many(week.packs),
        calls(&week.calls),
        course(&week.course)
    )
}

fn course(course: &Course) -> String {
    let mut text = format!(
        "Sampled each second for {}; the slope is that of the line through the last two thirds:\n\n| | at first | at most | at last | slope, in an hour |\n|---|---|---|---|---|\n",
        seconds(course.seconds)
    );
    let mut row = |what: &str, trend: &Trend, shown: &dyn Fn(f64) -> String| {
        let _ = writeln!(
            text,
            "| {what} | {} | {} | {} | {} |",
            shown(trend.first),
            shown(trend.most),
            shown(trend.last),
            shown(trend.per_hour)
        );
    };
    let megabytes = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
    row("memory", &course.resident, &megabytes);
    row("open files", &course.open, &|count| format!("{count:.0}"));
    row("the cache on disk", &course.disk, &megabytes);
    text
}

fn restart(restart: &Restart) -> String {
    let writes = restart.calls.0.iter().filter(|(call, _)| !call.starts_with("list ") && !call.starts_with("get "));
    let writes: Vec<String> = writes.map(|(call, count)| format!("{count} {call}")).collect();
    let writes = if writes.is_empty() { "nothing".to_owned() } else { writes.join(", ") };
    format!(
        "Stopped right after the week and started again, it knew all revisions to be applied and had seen all children after {}; {} of CPU, {} of memory at most. Written, with what the week had\nleft to roll out: {writes}.\n",
        seconds(restart.seconds),
        seconds(restart.cpu_seconds),
        megabytes(restart.peak_bytes)
    )
}

fn queues(load: &Load) -> String {
    let (before, after) = (&load.flow_before, &load.flow_after);
    let rejected = after.all_rejected().saturating_sub(before.all_rejected());
    let courses = [load.everything.as_ref().map(|part| &part.course), load.week.as_ref().map(|part| &part.course)];
    let most = courses.iter().flatten().map(|course| course.most_queued).max().unwrap_or(0);
    let told = if rejected == 0 {
        "none of anybody's was turned away".to_owned()
    } else {
        let which: Vec<String> = after.rejected.iter().map(|(level, count)| format!("{count} at {level}")).collect();
        format!("**{rejected} were turned away: {}**", which.join(", "))
    };
    format!(
        "\n## The API server's own limits\n\nThe daemon runs as its own account, so that its calls wait in the queues of priority and fairness. Of {} calls under \
         `{SCHEMA}`, {told}\n(`apiserver_flowcontrol_rejected_requests_total`); at most {most} requests waited at a time \
         (`apiserver_flowcontrol_current_inqueue_requests`, looked at each five seconds\nwhile everything changed and during the week).\n",
        many(after.dispatched(SCHEMA) - before.dispatched(SCHEMA)),
    )
}

fn latency(latency: &Latency) -> String {
    let of = |value: f64| if value >= 10_000.0 { format!("{:.1} s", value / 1000.0) } else { format!("{value:.0} ms") };
    let mut parts = vec![format!("p50 {}", of(latency.median))];
    parts.extend(latency.p90.map(|value| format!("p90 {}", of(value))));
    parts.push(format!("p99 {}", of(latency.p99)));
    parts.extend(latency.max.map(|value| format!("at most {}", of(value))));
    parts.join(", ")
}

fn calls(calls: &Calls) -> String {
    let total = calls.total();
    if total == 0 { "no calls of the API server".into() } else { format!("{} calls ({calls})", many(total)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_committed_results_give() {
        crate::results::check_page("load.json", "load.md", |load: &Load| page(load));
    }

    #[test]
    fn a_part_that_could_not_be_measured_says_why_in_its_place() {
        let check = |title: &str, measured: Part<u8>, expected: &str| {
            let mut text = String::new();
            part(&mut text, title, &measured, |figure| format!("It is {figure}.\n"));
            assert_eq!(text, expected);
        };
        check("Webhooks", Ok(7), "\n## Webhooks\n\nIt is 7.\n");
        check("# Many at once", Ok(8), "\n### Many at once\n\nIt is 8.\n");
        check("Webhooks", Err("Nobody answered.".into()), "\n## Webhooks\n\n**Nobody answered.**\n");
    }

    #[test]
    fn latencies_are_told_as_far_as_they_are_known() {
        let check = |latency: Latency, expected: &str| assert_eq!(super::latency(&latency), expected);
        let all = Latency { runs: 9, median: 12.4, p90: Some(20.0), p99: 9_999.0, min: 1.0, max: Some(12_340.0) };
        check(all.clone(), "p50 12 ms, p90 20 ms, p99 9999 ms, at most 12.3 s");
        check(Latency { p90: None, max: None, ..all }, "p50 12 ms, p99 9999 ms");
    }
}
