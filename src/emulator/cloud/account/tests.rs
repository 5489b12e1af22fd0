//! Tests of the users and their tokens, on a clock that is a number.

use super::*;

const NOW: Duration = Duration::from_secs(1_700_000_000);

fn accounts(change: impl FnOnce(&mut AccountSettings)) -> Accounts {
    let mut settings = AccountSettings {
        users: vec![("ann".to_owned(), Secret::new("right".to_owned()))],
        otp: None,
        access_life: 3600,
        rotate_refresh: false,
        base64url_claims: false,
    };
    change(&mut settings);
    Accounts::new(settings)
}

fn log_in(accounts: &mut Accounts) -> Tokens {
    match accounts.log_in_by_password(NOW, "ann", Some("right")) {
        Ok(PasswordLogin::Tokens(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}

#[test]
fn token_is_valid_until_expiry_or_logout() {
    let mut accounts = accounts(|_| {});
    let tokens = log_in(&mut accounts);
    let authorized = |accounts: &Accounts, after: u64, token: &str| {
        let now = NOW + Duration::from_secs(after);
        let caller = accounts.authorize(now, Some(token));
        caller.map(|(user, _)| user.id)
    };
    let ann = accounts.find_by_name("ann").unwrap().id.clone();
    assert_eq!(authorized(&accounts, 3599, &tokens.access), Ok(ann.clone()));
    let expired = authorized(&accounts, 3600, &tokens.access);
    assert_eq!(expired, Err("the token has expired"));
    assert!(authorized(&accounts, 0, &tokens.id).is_err(), "an id token");
    for bearer in ["Bearer ", "bearer "] {
        let why = authorized(&accounts, 0, &format!("{bearer}{}", tokens.access));
        assert!(why.unwrap_err().contains("Bearer"));
    }
    assert_eq!(accounts.authorize(NOW, None).err(), Some("no token"));
    accounts.log_out_everywhere(&ann);
    assert_eq!(authorized(&accounts, 0, &tokens.access), Err("logged out"));
    assert!(accounts.refresh(NOW, &tokens.refresh.unwrap()).is_err());
}

#[test]
fn tokens_have_claims_that_clients_read() {
    let mut accounts = accounts(|_| {});
    let tokens = log_in(&mut accounts);
    let ann = accounts.find_by_name("ann").unwrap();
    let id = accounts.signer.verify(&tokens.id).unwrap();
    assert_eq!(id["custom:user_id"], json!(ann.id));
    assert_eq!(id["email"], "ann");
    assert_eq!(id["token_use"], "id");
    let access = accounts.signer.verify(&tokens.access).unwrap();
    assert_eq!(access["exp"], json!(NOW.as_secs() + 3600));
    assert!(
        access["iss"]
            .as_str()
            .unwrap()
            .contains("cognito-idp.us-east-1")
    );
    assert_eq!(access.get("custom:user_id"), None);
    assert_ne!(access["sub"], json!(ann.id));
}

#[test]
fn refresh_keeps_its_token_unless_it_rotates() {
    for rotates in [false, true] {
        let mut accounts = accounts(|settings| settings.rotate_refresh = rotates);
        let first = log_in(&mut accounts).refresh.unwrap();
        let tokens = accounts.refresh(NOW, &first).unwrap();
        assert_eq!(tokens.refresh.is_some(), rotates);
        assert_eq!(accounts.refresh(NOW, &first).is_err(), rotates);
        if let Some(second) = tokens.refresh {
            accounts.refresh(NOW, &second).unwrap();
        }
    }
}

#[test]
fn login_session_expires_after_three_minutes() {
    let otp = |settings: &mut AccountSettings| settings.otp = Some(Secret::new("4711".to_owned()));
    let mut accounts = accounts(otp);
    assert!(
        accounts
            .log_in_by_password(NOW, "ann", Some("wrong"))
            .is_err()
    );
    let Ok(PasswordLogin::Session(session)) =
        accounts.log_in_by_password(NOW, "ann", Some("right"))
    else {
        panic!("no second factor")
    };
    assert!(
        accounts
            .log_in_by_code(NOW, "bob", &session, "4711")
            .is_err()
    );
    assert!(
        accounts
            .log_in_by_code(NOW, "ann", &session, "0815")
            .is_err()
    );
    accounts
        .log_in_by_code(NOW, "ann", &session, "4711")
        .unwrap();
    assert!(
        accounts
            .log_in_by_code(NOW, "ann", &session, "4711")
            .is_err()
    );
    let Ok(PasswordLogin::Session(session)) = accounts.log_in_by_password(NOW, "ann", None) else {
        panic!("no second factor")
    };
    let late = NOW + Duration::from_mins(3);
    assert!(
        accounts
            .log_in_by_code(late, "ann", &session, "4711")
            .is_err()
    );
}

#[test]
fn authorization_code_is_valid_once() {
    let mut accounts = accounts(|_| {});
    let ann = accounts.first().unwrap().id.clone();
    let code = accounts.issue_code(NOW, &ann);
    assert_eq!(accounts.log_in_by_browser(NOW, &code).unwrap().user, "ann");
    assert!(accounts.log_in_by_browser(NOW, &code).is_none());
}

#[test]
fn new_user_must_confirm_code() {
    let mut accounts = accounts(|_| {});
    assert!(accounts.sign_up("ann", "other").is_err());
    accounts.sign_up("bob", "first").unwrap();
    accounts.sign_up("bob", "second").unwrap();
    assert!(
        accounts
            .log_in_by_password(NOW, "bob", Some("second"))
            .is_err()
    );
    assert!(accounts.confirm("bob", "0", None).is_err());
    accounts.confirm("bob", DEFAULT_CODE, None).unwrap();
    accounts
        .log_in_by_password(NOW, "bob", Some("second"))
        .unwrap();
    accounts
        .confirm("bob", DEFAULT_CODE, Some("third"))
        .unwrap();
    accounts
        .log_in_by_password(NOW, "bob", Some("third"))
        .unwrap();
}
