//! Tickets: random texts that the cloud gives out for one use within a time, such as login
//! sessions, authorization codes and challenges.

use std::collections::BTreeMap;
use std::time::Duration;

use super::random;

/// The tickets of one kind that were given out, with what each is for and its end.
#[derive(Debug, Default)]
pub(super) struct Tickets<T>(BTreeMap<String, (T, Duration)>);

/// Why a ticket is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadTicket {
    /// It was never given out, or it was used.
    Unknown,
    Expired,
}

impl<T> Tickets<T> {
    /// Gives out a ticket of that many characters.
    pub(super) fn issue(
        &mut self,
        now: Duration,
        life: Duration,
        length: usize,
        what: T,
    ) -> String {
        let ticket = random::alphanumerics(length);
        let end = now.saturating_add(life);
        self.0.insert(ticket.clone(), (what, end));
        ticket
    }

    /// What a ticket is for, as long as it is good.
    pub(super) fn get(&self, now: Duration, ticket: &str) -> Result<&T, BadTicket> {
        match self.0.get(ticket) {
            Some((what, end)) if now < *end => Ok(what),
            Some(_) => Err(BadTicket::Expired),
            None => Err(BadTicket::Unknown),
        }
    }

    /// Ends a ticket, because it was used.
    pub(super) fn consume(&mut self, ticket: &str) {
        self.0.remove(ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_is_good_for_a_time_and_for_one_use() {
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
