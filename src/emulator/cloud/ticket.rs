//! Tickets: random texts that are valid for one use within a time, such as login sessions, authorization
//! codes and challenges.

use std::collections::BTreeMap;
use std::time::Duration;

use super::random;

/// The issued tickets of one kind, each with its value and its end.
#[derive(Debug, Default)]
pub(super) struct Tickets<T>(BTreeMap<String, (T, Duration)>);

impl<T> Tickets<T> {
    /// Issues a ticket of this many characters.
    pub(super) fn issue(&mut self, now: Duration, life: Duration, size: usize, value: T) -> String {
        let ticket = random::alphanumerics(size);
        let end = now.saturating_add(life);
        self.0.insert(ticket.clone(), (value, end));
        ticket
    }

    /// The value of a valid ticket, or the reason of a refusal.
    pub(super) fn get(&self, now: Duration, ticket: &str) -> Result<&T, &'static str> {
        match self.0.get(ticket) {
            Some((value, end)) if now < *end => Ok(value),
            Some(_) => Err(EXPIRED),
            None => Err(UNKNOWN),
        }
    }

    /// Removes a used ticket.
    pub(super) fn consume(&mut self, ticket: &str) {
        self.0.remove(ticket);
    }
}

const EXPIRED: &str = "the request has expired";
const UNKNOWN: &str = "there is no such request, or it was used";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_is_valid_once_within_its_time() {
        let at = Duration::from_secs;
        let mut tickets = Tickets::default();
        let ticket = tickets.issue(at(1000), at(300), 32, "ann");
        assert_eq!(ticket.len(), 32);
        assert_eq!(tickets.get(at(1299), &ticket), Ok(&"ann"));
        assert_eq!(tickets.get(at(1300), &ticket), Err(EXPIRED));
        assert_eq!(tickets.get(at(1000), "x"), Err(UNKNOWN));
        tickets.consume(&ticket);
        assert_eq!(tickets.get(at(1000), &ticket), Err(UNKNOWN));
    }
}
