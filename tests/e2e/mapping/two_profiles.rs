//! Two clouds, a profile for each: no token of the one is ever sent to the other.

use super::{HOME, id_of, mapped, node, older_node};
use crate::support::account::Account;
use crate::support::cloud::Cloud;

#[test]
fn tokens_go_only_to_the_cloud_of_their_profile() {
    let clouds = [
        Cloud::start(&["--user", "ann@example.com"]),
        Cloud::start(&["--user", "bob@example.com", "--access-life", "30"]),
    ];
    let names = ["first", "second"];
    let account = Account::empty();
    for (name, cloud) in names.iter().zip(&clouds) {
        account.log_in(name, cloud.url(), cloud);
    }
    let access = names.map(|name| account.token(name, "accesstoken"));
    account
        .run(&["profile", "switch", "first"])
        .output()
        .exits(0);

    // In turn, with one as the current profile and the other by its name.
    for (name, cloud) in names.iter().zip(&clouds).rev() {
        let device = node(cloud, &[]);
        let arguments = ["--no-wifi", "--profile", name];
        mapped(
            account.provision(&device, &arguments).output(),
            &device,
            "challenge_response",
        );
        let older = older_node(cloud, &[]);
        let arguments = [&HOME[..], &["--profile", name]].concat();
        mapped(
            account.provision(&older, &arguments).output(),
            &older,
            "secret_key",
        );
        // The user's id that the device received.
        let received = &older.log_entries("user_mapping_received")[0];
        assert_eq!(received["user_id"], cloud.user_id());
        let mut nodes: Vec<_> = account
            .nodes(&["--profile", name])
            .iter()
            .map(|node| node["node_id"].as_str().unwrap().to_owned())
            .collect();
        nodes.sort_unstable();
        let mut expected = [id_of(&device), id_of(&older)];
        expected.sort_unstable();
        assert_eq!(nodes, expected);
    }

    for cloud in &clouds {
        assert!(
            cloud.log_entries("unauthorized").is_empty(),
            "{:#?}",
            cloud.log()
        );
        let users = cloud.log_entries("request");
        let users = users
            .iter()
            .filter_map(|request| request["user_id"].as_str());
        let mut seen = 0;
        for user in users {
            assert_eq!(user, cloud.user_id());
            seen += 1;
        }
        assert!(seen > 4);
    }
    // The first was never renewed, and the second was, in its own file.
    assert_eq!(account.token("first", "accesstoken"), access[0]);
    assert_ne!(account.token("second", "accesstoken"), access[1]);
}
