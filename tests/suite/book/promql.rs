//! The part of PromQL that our rules and panels use, read as strictly as Prometheus reads it. What is not used is not
//! read, and so refused; promtool (hack/check-rules) has the last word.

use std::iter::Peekable;
use std::vec::IntoIter;

use regex::Regex;

/// A query.
#[derive(Debug)]
pub enum Expr {
    /// A number.
    Scalar,
    /// Series at a time, or over a time.
    Series { selector: Selector, range: bool },
    /// A function of others.
    Call(Vec<Expr>),
    /// Aggregated by labels.
    Aggregate { by: Vec<String>, of: Box<Expr> },
    /// Two, matched on labels where some are named.
    Binary { on: Vec<String>, of: Box<(Expr, Expr)> },
}

/// Which series.
#[derive(Debug)]
pub struct Selector {
    pub name: String,
    /// Label, operator, value.
    pub matchers: Vec<(String, String, String)>,
}

/// What an expression is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    Instant,
    Range,
}

const AGGREGATES: [&str; 5] = ["sum", "min", "max", "avg", "count"];
/// Functions with what they take.
const FUNCTIONS: [(&str, &[Kind]); 7] = [
    ("rate", &[Kind::Range]),
    ("increase", &[Kind::Range]),
    ("min_over_time", &[Kind::Range]),
    ("max_over_time", &[Kind::Range]),
    ("histogram_quantile", &[Kind::Scalar, Kind::Instant]),
    ("absent", &[Kind::Instant]),
    ("time", &[]),
];
/// Operators between two, from the loosest to the tightest.
const OPERATORS: [&[&str]; 5] =
    [&["or"], &["and", "unless"], &["==", "!=", ">=", "<=", ">", "<"], &["+", "-"], &["*", "/", "%"]];

/// Reads a query.
pub fn parse(text: &str) -> Result<Expr, String> {
    let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable() };
    let expr = reader.binary(0)?;
    match reader.tokens.next() {
        None => Ok(expr),
        Some(more) => Err(format!("{more:?} follows the end")),
    }
}

impl Expr {
    fn kind(&self) -> Kind {
        match self {
            Self::Scalar => Kind::Scalar,
            Self::Series { range: true, .. } => Kind::Range,
            Self::Binary { of, .. } if of.0.kind() == Kind::Scalar && of.1.kind() == Kind::Scalar => Kind::Scalar,
            _ => Kind::Instant,
        }
    }

    /// Every selector in it.
    pub fn selectors(&self) -> Vec<&Selector> {
        match self {
            Self::Scalar => Vec::new(),
            Self::Series { selector, .. } => vec![selector],
            Self::Call(of) => of.iter().flat_map(Self::selectors).collect(),
            Self::Aggregate { of, .. } => of.selectors(),
            Self::Binary { of, .. } => [of.0.selectors(), of.1.selectors()].concat(),
        }
    }

    /// Every list of labels that is grouped by or matched on, with the selectors that it is about.
    pub fn groupings(&self) -> Vec<(&[String], Vec<&Selector>)> {
        match self {
            Self::Scalar | Self::Series { .. } => Vec::new(),
            Self::Call(of) => of.iter().flat_map(Self::groupings).collect(),
            Self::Aggregate { by, of } => [vec![(by.as_slice(), of.selectors())], of.groupings()].concat(),
            Self::Binary { on, of } => {
                [vec![(on.as_slice(), self.selectors())], of.0.groupings(), of.1.groupings()].concat()
            }
        }
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let token = Regex::new(
        r#"^(?:[a-zA-Z_][a-zA-Z0-9_]*|[0-9]+(?:\.[0-9]+)?|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|=~|!~|==|!=|>=|<=|[-+*/%<>=(){},])"#,
    )
    .unwrap();
    let (mut rest, mut found) = (text.trim_start(), Vec::new());
    while !rest.is_empty() {
        let next = token.find(rest).ok_or_else(|| format!("no query goes on with {rest:?}"))?;
        found.push(next.as_str().to_owned());
        rest = rest[next.end()..].trim_start();
    }
    Ok(found)
}

struct Reader {
    tokens: Peekable<IntoIter<String>>,
}

impl Reader {
    fn next(&mut self) -> Result<String, String> {
        self.tokens.next().ok_or_else(|| "it ends too early".to_owned())
    }

    fn takes(&mut self, wanted: &str) -> bool {
        self.tokens.next_if(|token| token == wanted).is_some()
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        let found = self.next()?;
        if found == wanted { Ok(()) } else { Err(format!("{found:?} stands where {wanted:?} must")) }
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = OPERATORS.get(level) else { return self.single() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.tokens.next_if(|token| operators.contains(&token.as_str())) {
            let on = if self.takes("on") { self.labels()? } else { Vec::new() };
            let right = self.binary(level + 1)?;
            let kinds = [left.kind(), right.kind()];
            let of_sets = level < 2 && kinds != [Kind::Instant, Kind::Instant];
            if kinds.contains(&Kind::Range) || of_sets {
                return Err(format!("{operator} is between {kinds:?}"));
            }
            left = Expr::Binary { on, of: Box::new((left, right)) };
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expr, String> {
        let token = self.next()?;
        if token == "(" {
            let expr = self.binary(0)?;
            self.expect(")")?;
            return Ok(expr);
        }
        if token.starts_with(|first: char| first.is_ascii_digit()) {
            return Ok(Expr::Scalar);
        }
        if AGGREGATES.contains(&token.as_str()) {
            return self.aggregate();
        }
        if let Some((name, takes)) = FUNCTIONS.iter().find(|(name, _)| *name == token) {
            let given = self.arguments()?;
            if given.iter().map(Expr::kind).ne(takes.iter().copied()) {
                return Err(format!("{name} takes {takes:?}"));
            }
            return Ok(if *name == "time" { Expr::Scalar } else { Expr::Call(given) });
        }
        if !token.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(format!("{token:?} is no expression"));
        }
        let matchers = if self.takes("{") { self.matchers()? } else { Vec::new() };
        let range = self.tokens.next_if(|token| token.starts_with('['));
        if let Some(range) = &range
            && !Regex::new(r"^\[[0-9]+[smhd]\]$").unwrap().is_match(range)
        {
            return Err(format!("{range} is no range"));
        }
        Ok(Expr::Series { selector: Selector { name: token, matchers }, range: range.is_some() })
    }

    fn aggregate(&mut self) -> Result<Expr, String> {
        let by = if self.takes("by") { self.labels()? } else { Vec::new() };
        let mut of = self.arguments()?;
        match (of.pop(), of.is_empty()) {
            (Some(of), true) if of.kind() == Kind::Instant => Ok(Expr::Aggregate { by, of: Box::new(of) }),
            _ => Err("an aggregation takes one instant vector".into()),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        self.expect("(")?;
        let mut found = Vec::new();
        while !self.takes(")") {
            if !found.is_empty() {
                self.expect(",")?;
            }
            found.push(self.binary(0)?);
        }
        Ok(found)
    }

    fn labels(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let mut found = Vec::new();
        while !self.takes(")") {
            if !found.is_empty() {
                self.expect(",")?;
            }
            found.push(self.next()?);
        }
        Ok(found)
    }

    fn matchers(&mut self) -> Result<Vec<(String, String, String)>, String> {
        let mut found = Vec::new();
        while !self.takes("}") {
            if !found.is_empty() {
                self.expect(",")?;
            }
            let (label, operator, value) = (self.next()?, self.next()?, self.next()?);
            if !["=", "!=", "=~", "!~"].contains(&operator.as_str()) {
                return Err(format!("{operator:?} matches nothing"));
            }
            let text = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            let text = text.ok_or_else(|| format!("{value} is not in quotes"))?.to_owned();
            if operator.ends_with('~') && Regex::new(&text).is_err() {
                return Err(format!("{text:?} is no pattern"));
            }
            found.push((label, operator, text));
        }
        Ok(found)
    }
}

#[test]
fn what_prometheus_would_refuse_is_refused() {
    for (query, good) in [
        ("a", true),
        ("a{b=\"c\", d=~\"e|f\"}", true),
        ("a{b=c}", false),
        ("a{b~\"c\"}", false),
        ("a{b=~\"(\"}", false),
        ("rate(a[5m])", true),
        ("rate(a)", false),
        ("rate(a[5])", false),
        ("sum(a[5m])", false),
        ("sum by (x, y) (rate(a{b=\"c\"}[5m]))", true),
        ("sum by x (a)", false),
        ("sum(a", false),
        ("sum(a))", false),
        ("a > 1 and b", true),
        ("a and 1", false),
        ("a + on (x) b * 2", true),
        ("a[5m] > 1", false),
        ("time() - max(a)", true),
        ("histogram_quantile(0.9, sum by (le) (rate(a[5m])))", true),
        ("histogram_quantile(sum(a), 0.9)", false),
        ("absent(a)", true),
        ("a b", false),
        ("", false),
    ] {
        assert_eq!(parse(query).is_ok(), good, "{query}: {:?}", parse(query));
    }
}
