//! In which language people are told what is wrong.

use serde_json::json;

use crate::support::{Reply, spawn_app};

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{4E00}'..='\u{9FFF}'))
}

#[test]
fn whoever_reads_chinese_is_told_in_chinese_what_is_wrong_with_a_password() {
    let app = spawn_app();
    let invited = app.invited(muster::access::Role::Coordinator, Some(&app.provider().id), None);
    let send = |language: &str, password: &str| -> Reply {
        let client = app.anonymous().with_header("accept-language", language);
        client.post("/invitations/accept", json!({ "secret": invited.secret, "password": password })).expect(422)
    };
    for chinese in ["zh-CN,zh;q=0.9,en;q=0.8", "zh", "de, zh-TW;q=0.5, en;q=0.4"] {
        for (password, code) in [("short", "password_too_short"), ("passwordpassword", "password_too_common")] {
            let reply = send(chinese, password).fault("/password", code);
            assert!(is_chinese(&reply.text_at("/detail")) && is_chinese(&reply.text_at("/errors/0/detail")), "{}", reply.text);
            assert_eq!(reply.header("content-language"), "zh-CN");
        }
    }
    for english in ["en", "de", "en-GB,en;q=0.9,zh;q=0.1", "*", "zh;q=0, en", "nonsense;;;"] {
        let reply = send(english, "short").fault("/password", "password_too_short");
        assert!(!is_chinese(&reply.text), "{english}: {}", reply.text);
        assert_eq!(reply.header("content-language"), "");
    }
    let wrong = app.anonymous().with_header("accept-language", "zh-CN").sign_in("nobody", "drei Öfen, und keiner raucht").expect(401);
    assert!(is_chinese(&wrong.problem("wrong_credentials").text_at("/detail")));
}
