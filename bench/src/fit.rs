//! The straight line through measured points: what a thing costs by itself, and what each object adds. Pure.

use serde::{Deserialize, Serialize};

/// `intercept + slope × x`, by least squares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What is there without any object.
    pub intercept: f64,
    /// What each object adds.
    pub slope: f64,
    /// The point that is farthest from the line: its distance, as a share of what was measured there.
    pub residual: f64,
}

impl Line {
    /// The line through these points `(x, y)`. Of fewer than two different `x` there is none.
    pub fn through(points: &[(f64, f64)]) -> Option<Self> {
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        // Of no points, the means are no numbers.
        if spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
        let line = Self { intercept: y - slope * x, slope, residual: 0.0 };
        let off = |(x, y): &(f64, f64)| match (line.raw(*x) - y).abs() {
            // What lies on the line is on it, even where nothing was measured.
            distance if distance <= f64::EPSILON * y.abs().max(1.0) * 16.0 => 0.0,
            distance => distance / y.abs(),
        };
        let residual = points.iter().map(off).fold(0.0, f64::max);
        Some(Self { residual, ..line })
    }

    /// What the line says of so many objects; nothing costs less than nothing.
    pub fn at(&self, x: f64) -> f64 {
        self.raw(x).max(0.0)
    }

    /// How many objects the line says can be had for so much; none where they cost nothing.
    pub fn reaches(&self, y: f64) -> Option<f64> {
        (self.slope > 0.0).then(|| ((y - self.intercept) / self.slope).max(0.0))
    }

    fn raw(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(points: &[(f64, f64)], expected: Option<(f64, f64, f64)>) {
        let line = Line::through(points);
        let found = line.map(|line| (line.intercept, line.slope, line.residual));
        let round = |(a, b, c): (f64, f64, f64)| [a, b, c].map(|value| (value * 1e6).round() / 1e6);
        assert_eq!(found.map(round), expected.map(round), "{points:?}");
    }

    #[test]
    fn points_on_a_line_give_that_line_and_no_residual() {
        check(&[(1000.0, 30.0), (5000.0, 70.0), (10_000.0, 120.0), (20_000.0, 220.0)], Some((20.0, 0.01, 0.0)));
        check(&[(1.0, 5.0), (2.0, 5.0)], Some((5.0, 0.0, 0.0)));
        check(&[(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)], Some((0.0, 0.0, 0.0)));
        check(&[(0.0, 1.0), (10.0, -9.0)], Some((1.0, -1.0, 0.0)));
    }

    #[test]
    fn of_points_beside_a_line_the_farthest_is_told_as_a_share_of_itself() {
        // y = x is the best line. 0.1 of 0.9 is more than 0.2 of 2.2.
        check(&[(1.0, 0.9), (2.0, 2.2), (3.0, 2.9)], Some((0.0, 1.0, 1.0 / 9.0)));
    }

    #[test]
    fn where_all_is_measured_at_one_size_there_is_no_line() {
        check(&[], None);
        check(&[(5.0, 1.0)], None);
        check(&[(5.0, 1.0), (5.0, 2.0)], None);
        check(&[(f64::NAN, 1.0), (5.0, 2.0)], None);
    }

    #[test]
    fn a_line_is_read_both_ways() {
        let line = Line::through(&[(0.0, 10.0), (10.0, 30.0)]).unwrap();
        assert_eq!((line.at(100.0), line.reaches(210.0), line.reaches(5.0)), (210.0, Some(100.0), Some(0.0)));
        let flat = Line::through(&[(0.0, 10.0), (10.0, 10.0)]).unwrap();
        assert_eq!((flat.at(1e9), flat.reaches(11.0)), (10.0, None));
        let falling = Line::through(&[(0.0, 10.0), (10.0, 0.0)]).unwrap();
        assert_eq!((falling.at(20.0), falling.reaches(5.0)), (0.0, None));
    }
}
