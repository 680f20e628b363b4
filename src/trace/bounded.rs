//! A map that forgets its oldest entries beyond a number and a weight. It is a memory of what can be found out again.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The map.
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, (V, usize)>,
    order: VecDeque<K>,
    most: usize,
    heaviest: usize,
    weight: usize,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    /// An empty one, for `most` entries that weigh `heaviest` altogether.
    pub fn new(most: usize, heaviest: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), most, heaviest, weight: 0 }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(value, _)| value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(value, _)| value)
    }

    /// Puts an entry in the place of another one, or as the newest.
    pub fn put(&mut self, key: K, value: V, weight: usize) {
        match self.entries.insert(key.clone(), (value, weight)) {
            Some((_, before)) => self.weight -= before,
            None => self.order.push_back(key),
        }
        self.weight = self.weight.saturating_add(weight);
        while self.entries.len() > self.most || (self.weight > self.heaviest && self.entries.len() > 1) {
            let Some(oldest) = self.order.pop_front() else { return };
            self.take(&oldest);
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.take(key)?;
        self.order.retain(|other| other != key);
        Some(value)
    }

    fn take(&mut self, key: &K) -> Option<V> {
        let (value, weight) = self.entries.remove(key)?;
        self.weight -= weight;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(map: &Bounded<u32, &str>) -> Vec<u32> {
        let mut keys: Vec<_> = map.entries.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut map = Bounded::new(3, usize::MAX);
        (0..5).for_each(|key| map.put(key, "x", 1));
        assert_eq!(keys(&map), [2, 3, 4]);
        map.put(2, "y", 1);
        assert_eq!((map.get(&2), map.order.len()), (Some(&"y"), 3), "its place is kept, and it is there once");
        assert_eq!(map.remove(&3), Some("x"));
        assert_eq!((map.remove(&3), map.order.len(), map.weight), (None, 2, 2));
        *map.get_mut(&4).unwrap() = "z";
        assert_eq!(map.get(&4), Some(&"z"));
    }

    #[test]
    fn so_are_those_that_weigh_too_much() {
        let mut map = Bounded::new(100, 10);
        map.put(1, "a", 4);
        map.put(2, "b", 4);
        map.put(3, "c", 4);
        assert_eq!(keys(&map), [2, 3]);
        map.put(4, "d", 100);
        assert_eq!(keys(&map), [4], "the newest stays, whatever it weighs");
        map.put(5, "e", 1);
        assert_eq!(keys(&map), [5]);
    }
}
