use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn at(text: &str) -> Instant {
    serde_json::from_value(serde_json::json!(text)).unwrap()
}

fn told(starts_at: &str, ends_at: &str, place: Option<&str>, instructors: &[&str]) -> Told {
    let local = |text: &str| at(text).utc().with_timezone(&chrono_tz::Tz::Asia__Shanghai).naive_local();
    let named = |name: &&str| Subject::of(Id::<()>::generate(), name.parse().unwrap());
    Told {
        starts_at: at(starts_at),
        ends_at: at(ends_at),
        local_starts_at: local(starts_at),
        local_ends_at: local(ends_at),
        break_minutes: 0,
        length_minutes: None,
        mode: SessionMode::OnSite,
        place: place.map(ToOwned::to_owned),
        link: None,
        cohorts: vec![named(&"冶金一班")],
        instructors: instructors.iter().map(named).collect(),
    }
}

fn in_both(before: &Told, after: Option<&Told>, successor: Option<&Successor>, reason: &str) -> [String; 2] {
    in_zone("Asia/Shanghai", before, after, successor, reason)
}

fn in_zone(zone: &str, before: &Told, after: Option<&Told>, successor: Option<&Successor>, reason: &str) -> [String; 2] {
    let (code, module) = ("MET-03".parse().unwrap(), "高炉操作".parse().unwrap());
    let (zone, reason) = (zone.parse().unwrap(), reason.parse().unwrap());
    let facts = Facts { code: &code, module: &module, latin_module: None, zone, before, after, successor, reason: &reason };
    let message = message(&facts);
    [message.en, message.zh]
}

const START: &str = "2020-05-28T01:00:00Z";
const END: &str = "2020-05-28T02:40:00Z";

#[test]
fn a_move_is_told_with_both_times_and_why() {
    let (before, after) = (told(START, END, None, &[]), told("2020-05-29T06:00:00Z", "2020-05-29T07:40:00Z", None, &[]));
    assert_eq!(
        in_both(&before, Some(&after), None, "the hall is closed"),
        [
            "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) is moved to Friday, 29 May 2020 \
             14:00–15:40. Reason: the hall is closed",
            "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”改至2020年5月29日（星期五）14:00–15:40。原因：\
             the hall is closed",
        ]
    );
    let night = told("2020-05-31T15:00:00Z", "2020-05-31T17:00:00Z", None, &[]);
    let [en, zh] = in_both(&before, Some(&night), None, "storm");
    assert!(en.ends_with("is moved to Sunday, 31 May 2020 23:00 – Monday, 1 June 2020 01:00. Reason: storm"), "{en}");
    assert!(zh.ends_with("改至2020年5月31日（星期日）23:00至2020年6月1日（星期一）01:00。原因：storm"), "{zh}");
}

#[test]
fn what_changes_beside_the_time_is_told_from_what_to_what() {
    let before = told(START, END, Some("教学楼 301"), &["欧阳旭", "沈岚"]);
    assert_eq!(
        in_both(&before, Some(&Told { place: Some("教学楼 302".to_owned()), ..before.clone() }), None, "storm"),
        [
            "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) keeps its time, with changes: Place: \
             教学楼 302 (before: 教学楼 301). Reason: storm",
            "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”时间不变，安排有调整：地点：教学楼 302（原为教学楼 301）。原因：storm",
        ]
    );
    let substituted = told(START, END, None, &["陈一"]);
    let [en, zh] = in_both(&before, Some(&Told { mode: SessionMode::LiveOnline, ..substituted }), None, "ill");
    let ends = "How: live online (before: on site). Place: not yet known (before: 教学楼 301). Taught by: 陈一 (before: 欧阳旭, 沈岚). \
                Reason: ill";
    assert!(en.ends_with(ends), "{en}");
    let ends = "授课方式：线上直播（原为面授）。地点：待定（原为教学楼 301）。授课教师：陈一（原为欧阳旭、沈岚）。原因：ill";
    assert!(zh.ends_with(ends), "{zh}");
}

#[test]
fn another_break_and_another_length_are_told_in_minutes() {
    let plan = told(START, END, None, &[]);
    let [en, zh] = in_both(&plan, Some(&Told { break_minutes: 10, ..plan.clone() }), None, "storm");
    assert!(en.ends_with("keeps its time, with changes: Breaks: 10 minutes (before: none). Reason: storm"), "{en}");
    assert!(zh.ends_with("时间不变，安排有调整：课间休息：10分钟（原为无）。原因：storm"), "{zh}");
    let watched = Told { mode: SessionMode::Recorded, length_minutes: Some(45), ..plan.clone() };
    let [en, zh] = in_both(&watched, Some(&Told { length_minutes: Some(1), ..watched.clone() }), None, "storm");
    assert!(en.ends_with("Length: 1 minute (before: 45 minutes). Reason: storm"), "{en}");
    assert!(zh.ends_with("时长：1分钟（原为45分钟）。原因：storm"), "{zh}");
    let [en, zh] = in_both(&plan, Some(&watched), None, "storm");
    assert!(en.ends_with("How: recorded (before: on site). Length: 45 minutes (before: from start to end). Reason: storm"), "{en}");
    assert!(zh.ends_with("授课方式：录播（原为面授）。时长：45分钟（原为按起止时间计）。原因：storm"), "{zh}");
}

#[test]
fn another_end_is_told_as_such() {
    let (before, shorter) = (told(START, END, None, &[]), told(START, "2020-05-28T02:00:00Z", None, &[]));
    let (en, zh) = (
        "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) ends at 10:00",
        "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”",
    );
    let expected = [format!("{en} instead of 10:40. Reason: storm"), format!("{zh}改为10:00结束（原为10:40）。原因：storm")];
    assert_eq!(in_both(&before, Some(&shorter), None, "storm"), expected);
    let rest = Successor {
        id: Id::generate(),
        code: "MET-03B".parse().unwrap(),
        starts_at: at("2020-05-29T06:00:00Z"),
        ends_at: at("2020-05-29T06:40:00Z"),
    };
    let expected = [
        format!("{en} and continues as MET-03B on Friday, 29 May 2020 14:00–14:40. Reason: storm"),
        format!("{zh}改为10:00结束，其余部分由2020年5月29日（星期五）14:00–14:40的课次“MET-03B”继续。原因：storm"),
    ];
    assert_eq!(in_both(&before, Some(&shorter), Some(&rest), "storm"), expected);
    let [en, zh] = in_both(&before, Some(&told(START, "2020-05-28T17:00:00Z", None, &[])), None, "storm");
    assert!(en.ends_with("ends at 01:00 on Friday, 29 May 2020 instead of 10:40. Reason: storm"), "{en}");
    assert!(zh.ends_with("改为2020年5月29日（星期五）01:00结束（原为10:40）。原因：storm"), "{zh}");
}

#[test]
fn a_time_that_the_clocks_show_twice_is_told_with_the_offset_and_no_other_is() {
    let moved = |zone: &str, before: [&str; 2], after: [&str; 2]| {
        let [before, after] = [before, after].map(|[from, until]| told(from, until, None, &[]));
        in_zone(zone, &before, Some(&after), None, "storm")
    };
    assert_eq!(
        moved("Europe/Berlin", ["2020-10-24T23:30:00Z", "2020-10-25T00:30:00Z"], ["2020-10-25T01:30:00Z", "2020-10-25T02:00:00Z"]),
        [
            "The session MET-03 高炉操作 of Sunday, 25 October 2020 01:30–02:30+02:00 (Europe/Berlin) is moved to Sunday, 25 October 2020 \
             02:30+01:00–03:00. Reason: storm",
            "原定于2020年10月25日（星期日）01:30–02:30+02:00（Europe/Berlin）的课次“MET-03 高炉操作”改至2020年10月25日（星期日）\
             02:30+01:00–03:00。原因：storm",
        ]
    );
    // Half an hour, here from 02:00 to 01:30.
    let [en, zh] =
        moved("Australia/Lord_Howe", ["2020-04-04T14:45:00Z", "2020-04-04T15:15:00Z"], ["2020-04-04T14:45:00Z", "2020-04-04T15:30:00Z"]);
    assert!(
        en.contains("of Sunday, 5 April 2020 01:45+11:00–01:45+10:30 (Australia/Lord_Howe) ends at 02:00 instead of 01:45+10:30."),
        "{en}"
    );
    assert!(zh.contains("01:45+11:00–01:45+10:30（Australia/Lord_Howe）的课次“MET-03 高炉操作”改为02:00结束（原为01:45+10:30）。"), "{zh}");
}

#[test]
fn where_one_joins_is_told_with_the_place() {
    let before = told(START, END, Some("教学楼 301"), &[]);
    let link = Some("https://meeting.example.org/1".parse().unwrap());
    let online = Told { place: Some("直播间".to_owned()), link, ..before.clone() };
    let [en, zh] = in_both(&before, Some(&online), None, "storm");
    assert!(en.ends_with("Place: 直播间 https://meeting.example.org/1 (before: 教学楼 301). Reason: storm"), "{en}");
    assert!(zh.ends_with("地点：直播间 https://meeting.example.org/1 （原为教学楼 301）。原因：storm"), "{zh}");
    let [en, _] = in_both(&online, Some(&Told { link: None, ..online.clone() }), None, "storm");
    assert!(en.ends_with("Place: 直播间 (before: 直播间 https://meeting.example.org/1). Reason: storm"), "{en}");
}

#[test]
fn a_cancellation_names_what_replaces_it() {
    let before = told(START, END, None, &[]);
    let replacement = Successor {
        id: Id::generate(),
        code: "MET-03B".parse().unwrap(),
        starts_at: at("2020-06-04T01:00:00Z"),
        ends_at: at("2020-06-04T02:40:00Z"),
    };
    assert_eq!(
        in_both(&before, None, Some(&replacement), "storm"),
        [
            "The session MET-03 高炉操作 of Thursday, 28 May 2020 09:00–10:40 (Asia/Shanghai) is cancelled. It is replaced by the \
             session MET-03B of Thursday, 4 June 2020 09:00–10:40. Reason: storm",
            "原定于2020年5月28日（星期四）09:00–10:40（Asia/Shanghai）的课次“MET-03 高炉操作”取消。由2020年6月4日（星期四）09:00–10:40的课次\
             “MET-03B”代替。原因：storm",
        ]
    );
}

/// The keys of a file of texts, each with what it fills in.
fn keys(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut key = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" =").filter(|(name, _)| !name.starts_with([' ', '}'])) {
            key = name;
        }
        let filled = line.split('$').skip(1).filter_map(|rest| rest.split([' ', '}']).next());
        keys.entry(key).or_default().extend(filled);
    }
    keys
}

#[test]
fn every_text_is_there_in_both_languages_and_says_the_same() {
    let (en, zh) = (keys(include_str!("../../../locales/en/changes.ftl")), keys(include_str!("../../../locales/zh-CN/changes.ftl")));
    assert_eq!(en, zh);
    for mode in SessionMode::ALL {
        assert!(en.contains_key(mode.as_str()), "{mode}");
    }
}

#[test]
fn an_older_text_is_told_as_if_there_was_nothing_of_what_is_told_of_since() {
    let older = serde_json::json!({ "starts_at": START, "ends_at": END, "mode": "on_site", "room": null, "place": "教学楼 301", "cohorts": [],
        "instructors": [] });
    let standing: Standing = serde_json::from_str(&older.to_string()).unwrap();
    assert_eq!((standing.break_minutes, standing.length_minutes), (0, None));
}

#[test]
fn an_english_text_has_latin_names_where_there_are_some() {
    let (mut before, after) = (told(START, END, None, &["欧阳旭"]), told(START, END, None, &["沈岚"]));
    before.instructors[0].latin_name = Some("Ouyang Xu".parse().unwrap());
    let (code, module, latin) = ("MET-03".parse().unwrap(), "高炉操作".parse().unwrap(), "Blast furnace practice".parse().unwrap());
    let (zone, reason) = ("Asia/Shanghai".parse().unwrap(), "ill".parse().unwrap());
    let facts = Facts {
        code: &code,
        module: &module,
        latin_module: Some(&latin),
        zone,
        before: &before,
        after: Some(&after),
        successor: None,
        reason: &reason,
    };
    let Message { en, zh } = message(&facts);
    assert!(en.contains("MET-03 Blast furnace practice") && en.contains("Taught by: 沈岚 (before: Ouyang Xu)"), "{en}");
    assert!(zh.contains("高炉操作") && zh.contains("欧阳旭"), "{zh}");
}
