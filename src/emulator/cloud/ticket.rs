//! Tickets: random texts that are valid for one use within a time, such as login sessions, authorization
//! codes and challenges.

use std::collections::BTreeMap;
use std::time::Duration;

use super::random;

/// The issued tickets of one kind, each with its value and its end.
#[derive(Debug, Default)]
pub(super) struct Tickets<T>(BTreeMap<String, (T, Duration)>);

/// Why a ticket is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadTicket {
    /// It was never issued, or it was used.
    Unknown,
    Expired,
}

impl<T> Tickets<T> {
    /// Issues a ticket of this many characters.
    pub(super) fn issue(
        &mut self,
        now: Duration,
        life: Duration,
        length: usize,
        value: T,
    ) -> String {
        let ticket = random::alphanumerics(length);
        let end = now.saturating_add(life);
        self.0.insert(ticket.clone(), (value, end));
        ticket
    }

    /// The value of a valid ticket.
    pub(super) fn get(&self, now: Duration, ticket: &str) -> Result<&T, BadTicket> {
        match self.0.get(ticket) {
            Some((value, end)) if now < *end => Ok(value),
            Some(_) => Err(BadTicket::Expired),
            None => Err(BadTicket::Unknown),
        }
    }

    /// Removes a used ticket.
    pub(super) fn consume(&mut self, ticket: &str) {
        self.0.remove(ticket);
    }
}

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
        assert_eq!(tickets.get(at(1300), &ticket), Err(BadTicket::Expired));
        assert_eq!(tickets.get(at(1000), "x"), Err(BadTicket::Unknown));
        tickets.consume(&ticket);
        assert_eq!(tickets.get(at(1000), &ticket), Err(BadTicket::Unknown));
    }
}
