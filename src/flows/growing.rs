//! A list that can grow while it is shown: the user can choose before a scan ends.

use std::future::pending;

use tokio::sync::watch;

/// The reading end of the list. An item keeps its index, but its data may change.
#[derive(Clone, Debug)]
pub struct Growing<T> {
    items: watch::Receiver<Vec<T>>,
    /// Whether `changed` has returned for the last time.
    has_ended: bool,
}

/// The writing end of the list. Dropping it completes the list.
#[derive(Debug)]
pub struct Grower<T> {
    items: watch::Sender<Vec<T>>,
}

impl<T: Clone> Growing<T> {
    /// An empty list and its writing end.
    pub fn start() -> (Grower<T>, Self) {
        let (sender, items) = watch::channel(Vec::new());
        let has_ended = false;
        (Grower { items: sender }, Self { items, has_ended })
    }

    /// A list that does not grow.
    pub fn complete(items: Vec<T>) -> Self {
        let (_, items) = watch::channel(items);
        let has_ended = true;
        Self { items, has_ended }
    }

    /// The items so far.
    pub fn items(&self) -> Vec<T> {
        self.items.borrow().clone()
    }

    /// Whether the list will not change anymore.
    pub fn is_complete(&self) -> bool {
        self.items.has_changed().is_err()
    }

    /// Waits until the items change or the list is complete. Then it waits forever.
    pub async fn changed(&mut self) {
        if self.has_ended {
            return pending().await;
        }
        self.has_ended = self.items.changed().await.is_err();
    }
}

impl<T> Grower<T> {
    /// Replaces the items. The new ones must begin with the old ones.
    pub fn show(&self, items: Vec<T>) {
        self.items.send_replace(items);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn list_grows_until_its_grower_is_dropped() {
        let (grower, mut list) = Growing::start();
        assert!(list.items().is_empty());
        grower.show(vec![1]);
        grower.show(vec![1, 2]);
        list.changed().await;
        assert_eq!(list.items(), [1, 2]);
        assert!(!list.is_complete());
        grower.show(vec![1, 2, 3]);
        drop(grower);
        // Completing the list keeps the last items.
        list.changed().await;
        assert_eq!(list.items(), [1, 2, 3]);
        list.changed().await;
        assert!(list.is_complete());
        assert_eq!(list.changed().now_or_never(), None);
    }

    #[tokio::test]
    async fn complete_list_never_changes() {
        let mut list = Growing::complete(vec!["a"]);
        assert!(list.is_complete());
        assert_eq!(list.changed().now_or_never(), None);
        assert_eq!(list.items(), ["a"]);
    }
}
