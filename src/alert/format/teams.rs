//! For workflows of Microsoft Teams: an Adaptive Card. Its text stands in runs of rich text, which know no Markdown.

use serde_json::{Value, json};

use super::{lines, more, title};
use crate::alert::message::{Message, State};
use crate::alert::plain::uncalled;
use crate::api::notify::AlertSeverity;

/// The body.
pub fn body(message: &Message) -> Value {
    let (shown, _) = message.shown();
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
    body.extend(more(message).iter().map(|more| block(json!([run(more)]))));
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
