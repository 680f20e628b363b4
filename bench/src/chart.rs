//! The results as a drawing: horizontal bars, one panel per question.

use std::fmt::Write;

use crate::results::{Results, Size};
use crate::table::{megabytes, millis, seconds, thousands};

const WIDTH: f64 = 760.0;
/// Where bars begin; labels stand before it.
const LEFT: f64 = 270.0;
/// How long the longest bar is; its value stands behind it.
const LONGEST: f64 = 350.0;
const ROW: f64 = 24.0;
const TITLE: f64 = 44.0;

struct Panel {
    title: String,
    bars: Vec<Bar>,
}

struct Bar {
    label: String,
    value: f64,
    text: String,
    ours: bool,
    /// What it should stay under.
    target: Option<f64>,
}

impl Bar {
    fn new(label: impl Into<String>, value: f64, text: String) -> Self {
        Self { label: label.into(), value, text, ours: false, target: None }
    }

    fn ours(self) -> Self {
        Self { ours: true, ..self }
    }

    fn under(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }
}

/// An SVG that can be read on a light and on a dark page.
pub fn svg(results: &Results) -> String {
    let panels = panels(results);
    let mut body = String::new();
    let mut top = 0.0;
    for panel in &panels {
        top = draw(&mut body, panel, top);
    }
    let height = top + 34.0;
    let legend = format!(
        "<rect class=\"ours\" x=\"16\" y=\"{y}\" width=\"12\" height=\"12\" rx=\"2\"/><text x=\"34\" y=\"{t}\">Gitmoor</text>\
         <rect class=\"others\" x=\"110\" y=\"{y}\" width=\"12\" height=\"12\" rx=\"2\"/><text x=\"128\" y=\"{t}\">others</text>\
         <line class=\"target\" x1=\"200\" x2=\"200\" y1=\"{y}\" y2=\"{e}\"/><text x=\"208\" y=\"{t}\">target</text>",
        y = top + 10.0,
        t = top + 20.0,
        e = top + 22.0,
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">Benchmark of Gitmoor; the same numbers stand in the table beside it</title>\n\
         <style>\n\
         text {{ font: 13px system-ui, sans-serif; fill: #1f2328 }}\n\
         .title {{ font-weight: 600; font-size: 14px }}\n\
         .ours {{ fill: #2f81f7 }}\n\
         .others {{ fill: #8b949e }}\n\
         .target {{ stroke: #d4781c; stroke-width: 2; stroke-dasharray: 4 2 }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} }}\n\
         </style>\n{body}{legend}\n</svg>\n"
    )
}

fn panels(results: &Results) -> Vec<Panel> {
    let mut panels: Vec<Panel> = results.sizes.iter().map(first_sync).collect();
    panels.extend(results.sizes.iter().filter_map(nothing_new));
    let each = |title: &str, bars: fn(&Size) -> Vec<Bar>| Panel {
        title: title.into(),
        bars: results.sizes.iter().flat_map(bars).collect(),
    };
    panels.push(each("One change, median", changes));
    panels.push(each("Peak memory of the daemon, without children", memory));
    panels
}

fn first_sync(size: &Size) -> Panel {
    let (bare, cold) = (size.bare_seconds(), size.cold_seconds());
    let mut bars = vec![
        Bar::new("bare apply loop", bare, seconds(bare)),
        Bar::new("Gitmoor, process start included", cold, seconds(cold)).ours().under(bare * 1.3),
    ];
    if let Some(others) = &size.others {
        let kubectl = others.kubectl_apply.seconds;
        bars.push(Bar::new("kubectl apply --server-side -R", kubectl, seconds(kubectl)));
    }
    Panel { title: format!("Everything new: {} MicroServices", thousands(size.services)), bars }
}

fn nothing_new(size: &Size) -> Option<Panel> {
    let others = size.others.as_ref()?;
    let took = size.unchanged.took.median / 1000.0;
    let bars = vec![
        Bar::new("Gitmoor, by webhook", took, format!("{took:.2} s, no call")).ours(),
        Bar::new("bare apply loop", others.bare_again.seconds, seconds(others.bare_again.seconds)),
        Bar::new("kubectl diff --server-side -R", others.kubectl_diff.seconds, seconds(others.kubectl_diff.seconds)),
    ];
    Some(Panel { title: format!("Nothing new: {} MicroServices", thousands(size.services)), bars })
}

fn changes(size: &Size) -> Vec<Bar> {
    let count = thousands(size.services);
    let (changed, reported, healed) =
        (size.changed.applied.median, size.drifted.reported.median, size.drifted.healed.median);
    vec![
        Bar::new(format!("{count}: webhook until applied"), changed, millis(changed)).ours().under(100.0),
        Bar::new(format!("{count}: hand edit until reported"), reported, millis(reported)).ours().under(50.0),
        Bar::new(format!("{count}: hand edit until healed"), healed, millis(healed)).ours(),
    ]
}

fn memory(size: &Size) -> Vec<Bar> {
    let label = format!("{} MicroServices", thousands(size.services));
    let peak = size.peak();
    vec![Bar::new(label, peak as f64 / 1e6, megabytes(peak)).ours().under(size.memory_target())]
}

/// Draws a panel and says where the next one begins.
fn draw(svg: &mut String, panel: &Panel, top: f64) -> f64 {
    let largest = panel.bars.iter().flat_map(|bar| [bar.value, bar.target.unwrap_or_default()]).fold(1e-9, f64::max);
    // Writing to a String does not fail.
    let _ = writeln!(svg, "<text class=\"title\" x=\"16\" y=\"{}\">{}</text>", top + 30.0, escaped(&panel.title));
    let mut y = top + TITLE;
    for bar in &panel.bars {
        let (length, class) = (bar.value / largest * LONGEST, if bar.ours { "ours" } else { "others" });
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"16\" rx=\"2\"/>",
            LEFT - 10.0,
            y + 13.0,
            escaped(&bar.label),
            y,
            length.max(1.5),
        );
        let mut end = LEFT + length;
        if let Some(target) = bar.target {
            let x = LEFT + target / largest * LONGEST;
            let _ = write!(
                svg,
                "<line class=\"target\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>",
                y - 3.0,
                y + 19.0
            );
            // The value does not stand on the line.
            let width = 8.0 * bar.text.len() as f64 + 8.0;
            if x > end && x < end + width {
                end = x;
            }
        }
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{}\">{}</text>", end + 8.0, y + 13.0, escaped(&bar.text));
        y += ROW;
    }
    y
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
