//! For workflows of Microsoft Teams: an Adaptive Card. Its text stands in runs of rich text, which know no Markdown.

use serde_json::{Value, json};

use super::{lines, more, title};
use crate::alert::message::{LISTED, Message, State};
use crate::alert::plain::uncalled;
use crate::api::notify::AlertSeverity;

/// Bytes that Teams takes, less what its own way there adds.
const MOST: usize = 27_000;

/// The body; as many alerts as there is room for, and at least one.
pub fn body(message: &Message) -> Value {
    let fits = |body: &Value| body.to_string().len() <= MOST;
    let several = (2..=LISTED).rev().map(|count| card(message, count)).find(fits);
    several.unwrap_or_else(|| card(message, 1))
}

fn card(message: &Message, count: usize) -> Value {
    let (shown, rest) = message.first(count);
    let run = |text: &str| json!({"type": "TextRun", "text": uncalled(text)});
    let block = |inlines: Value| json!({"type": "RichTextBlock", "inlines": inlines});
    let mut headline = run(&message.headline);
    headline["weight"] = json!("Bolder");
    headline["size"] = json!("Medium");
    let mut body = vec![block(json!([headline]))];
    for item in shown {
        let mut heading = run(&title(item));
        heading["weight"] = json!("Bolder");
        heading["color"] = json!(match (item.state, item.severity) {
            (State::Ended, _) => "Good",
            (_, AlertSeverity::Error) => "Attention",
            (_, AlertSeverity::Warning) => "Warning",
            (_, AlertSeverity::Info) => "Default",
        });
        body.push(block(json!([heading])));
        body.extend(lines(item).iter().map(|line| block(json!([run(line)]))));
    }
    body.extend(more(rest).iter().map(|more| block(json!([run(more)]))));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "msteams": {"width": "Full"}
    });
    if let Some(link) = &message.link {
        card["actions"] = json!([{"type": "Action.OpenUrl", "title": "Gitmoor", "url": link}]);
    }
    let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "content": card});
    json!({"type": "message", "attachments": [attachment]})
}
