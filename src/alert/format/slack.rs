//! For incoming webhooks of Slack: blocks of plain text, in which nothing is markup. Mattermost and Rocket.Chat read `text`
//! alone, as Markdown; there all that is not ours stands in a block of code.

use serde_json::{Value, json};

use super::{lines, more, title};
use crate::alert::message::Message;
use crate::alert::plain::uncalled;
use crate::report::shorten;

/// Bytes of a header, and of a section.
const HEADER: usize = 150;
const SECTION: usize = 2900;

/// The body.
pub fn body(message: &Message) -> Value {
    let (shown, rest) = message.shown();
    let headline = uncalled(&message.headline);
    let plain = |text: &str, limit: usize| json!({"type": "plain_text", "text": shorten(text, limit), "emoji": false});
    let mut blocks = vec![json!({"type": "header", "text": plain(&headline, HEADER)})];
    let mut code = String::new();
    for item in shown {
        let text = uncalled(&format!("{}\n{}", title(item), lines(item).join("\n")));
        blocks.push(json!({"type": "section", "text": plain(&text, SECTION)}));
        code.push_str(&text);
        code.push('\n');
    }
    code.extend(more(rest));
    let mut context: Vec<Value> = more(rest).iter().map(|more| plain(more, HEADER)).collect();
    if let Some(link) = &message.link {
        context.push(json!({"type": "mrkdwn", "text": format!("<{}|Gitmoor>", escaped(link))}));
    }
    if !context.is_empty() {
        blocks.push(json!({"type": "context", "elements": context}));
    }
    // Nothing in the block may end it.
    let code = escaped(&code.replace('`', "ˋ"));
    json!({"text": format!("{}\n```\n{}\n```", escaped(&headline), code.trim_end()), "blocks": blocks})
}

/// As Slack wants it of its own markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
