use proptest::prelude::*;

use super::{
    super::{
        conflicts::{Taking, exceeding},
        overlaps::for_each_overlap,
        rules::{Basis, ClaimKind},
    },
    *,
};
use crate::id::Id;

const PLANNED: i64 = 6;

fn id<T>(number: u128) -> Id<T> {
    Id::from_uuid(uuid::Uuid::from_u128(number))
}

/// In resource 0 or 1, from a start on, for some minutes, which also count in the plan of that cohort.
type Place = (u128, i64, i64);

fn stand(session: u128, place: Place) -> Footprint {
    let (resource, start, length) = place;
    let at = |minute: i64| Instant::from_unix_micros(minute * 60_000_000).unwrap();
    let claim = Occupied {
        resource: (ClaimKind::Cohort, id(resource)),
        session_id: id(session),
        starts_at: at(start),
        ends_at: at(start + length),
        basis: Basis::Proposed,
    };
    Footprint { claims: vec![claim], minutes: vec![((id(resource), id(9)), length)] }
}

fn contender(session: u128, now: Option<Place>, then: Option<Place>) -> Contender {
    let of = |place: Option<Place>| place.map(|place| stand(session, place)).unwrap_or_default();
    Contender { id: id(session), now: of(now), then: of(then), stays: false }
}

fn around() -> Around {
    Around {
        waived: HashSet::from([(id(1), id(2))]),
        planned: HashMap::from([(id(9), ("M".parse().unwrap(), PLANNED))]),
        ..Around::default()
    }
}

fn refused(contenders: &[Contender]) -> Vec<bool> {
    judge(contenders, around()).iter().map(Option::is_some).collect()
}

/// Whether those that move can all be where they are to be while the others stay, as the database will judge it.
fn stands(contenders: &[Contender], moves: &[bool]) -> bool {
    let end: Vec<(&Footprint, bool)> =
        contenders.iter().zip(moves).map(|(one, moves)| if *moves { (&one.then, true) } else { (&one.now, false) }).collect();
    let claims: Vec<(&Occupied, bool)> = end.iter().flat_map(|(stand, moves)| stand.claims.iter().map(|claim| (claim, *moves))).collect();
    let apart = claims.iter().enumerate().all(|(index, (one, moves))| {
        claims.iter().skip(index + 1).all(|(other, other_moves)| {
            let overlap = one.resource == other.resource && one.starts_at < other.ends_at && other.starts_at < one.ends_at;
            !overlap || !(*moves || *other_moves) || around().waived.contains(&pair(one.session_id, other.session_id))
        })
    });
    let sum = |share: Share| end.iter().map(|(stand, _)| stand.of(share)).sum::<i64>();
    let takes_more =
        |one: &Contender| one.then.minutes.iter().any(|(share, minutes)| *minutes > one.now.of(*share) && sum(*share) > PLANNED);
    apart && !contenders.iter().zip(moves).any(|(one, moves)| *moves && takes_more(one))
}

#[test]
fn two_may_exchange_their_places_and_their_minutes() {
    assert_eq!(refused(&[contender(3, Some((0, 0, 2)), Some((0, 2, 2))), contender(4, Some((0, 2, 2)), Some((0, 0, 2)))]), [false, false]);
    assert_eq!(refused(&[contender(3, Some((0, 0, 2)), Some((0, 0, 4))), contender(4, Some((0, 9, 4)), Some((0, 9, 2)))]), [false, false]);
}

#[test]
fn who_stays_is_in_the_way_of_those_behind() {
    // The first may not exceed the plan, so the second has no place, and neither has the third.
    let chain = [
        contender(5, None, Some((0, 2, 2))),
        contender(4, Some((0, 2, 2)), Some((0, 4, 2))),
        contender(3, Some((0, 4, 2)), Some((0, 4, 9))),
    ];
    assert_eq!(refused(&chain), [true, true, true]);
}

#[test]
fn who_is_refused_takes_nothing_of_the_plan() {
    assert_eq!(refused(&[contender(3, None, Some((0, 0, 7))), contender(4, None, Some((0, 9, 3)))]), [true, false]);
}

fn some_place() -> impl Strategy<Value = Place> {
    (0_u128..2, 0_i64..8, 1_i64..5)
}

/// Up to six sessions; those that are there already stand apart and within the plan, as they do in the database.
fn some_contenders() -> impl Strategy<Value = Vec<Contender>> {
    let one = (proptest::option::of(some_place()), proptest::option::weighted(0.9, some_place()), proptest::bool::weighted(0.1));
    proptest::collection::vec(one, 1..7).prop_map(|drawn| {
        let mut stored: Vec<Contender> = Vec::new();
        let mut contenders = Vec::new();
        for (session, (now, then, stays)) in (1..).zip(drawn) {
            stored.push(contender(session, None, now));
            let fits = stands(&stored, &vec![true; stored.len()]);
            if !fits {
                stored.pop();
            }
            contenders.push(Contender { stays, ..contender(session, now.filter(|_| fits), then) });
        }
        contenders
    })
}

/// Whether the check finds something that blocks, if those that move are proposed together while the others stay.
fn is_blocked(contenders: &[Contender], moves: &[bool]) -> bool {
    let (moving, staying): (Vec<_>, Vec<_>) = contenders.iter().zip(moves).partition(|(_, moves)| **moves);
    let (moving, staying) = (|| moving.iter().map(|(one, _)| *one), || staying.iter().map(|(one, _)| *one));
    let stands = staying().flat_map(|one| &one.now.claims).map(|claim| Occupied { basis: Basis::Claimed, ..*claim });
    let mut overlap = false;
    for_each_overlap(moving().flat_map(|one| one.then.claims.iter().copied()).chain(stands).collect(), |one, other| {
        overlap |= !around().waived.contains(&pair(one.session_id, other.session_id));
        true
    });
    let taken = |(index, one): (usize, &Contender)| -> Vec<Taking> {
        let taking =
            |(share, minutes): &(Share, i64)| Taking { index, share: *share, minutes: *minutes, is_more: *minutes > one.now.of(*share) };
        one.then.minutes.iter().map(taking).collect()
    };
    let takings: Vec<Taking> = moving().enumerate().flat_map(taken).collect();
    let mut scheduled: HashMap<Share, i64> = HashMap::new();
    staying().flat_map(|one| &one.now.minutes).for_each(|(share, minutes)| *scheduled.entry(*share).or_default() += minutes);
    overlap || !exceeding(&takings, &around().planned, scheduled).is_empty()
}

#[test]
fn who_takes_more_is_refused_wherever_those_stand_that_do_not() {
    let (more, same) = (contender(3, Some((0, 0, 1)), Some((0, 0, 3))), contender(4, Some((0, 9, 4)), Some((0, 19, 4))));
    for contenders in [[more.clone(), same.clone()], [same, more]] {
        assert!(is_blocked(&contenders, &[true, true]) && refused(&contenders).contains(&true), "{contenders:?}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_can_be_written(contenders in some_contenders()) {
        let accepted: Vec<bool> = refused(&contenders).into_iter().zip(&contenders).map(|(refused, one)| !refused && !one.stays).collect();
        prop_assert!(stands(&contenders, &accepted), "{contenders:?} {accepted:?}");
    }

    #[test]
    fn if_the_whole_can_be_written_nobody_is_refused(mut contenders in some_contenders()) {
        contenders.retain(|one| !one.stays);
        let whole = stands(&contenders, &vec![true; contenders.len()]);
        prop_assert_eq!(whole, refused(&contenders).iter().all(|refused| !refused));
    }

    #[test]
    fn what_is_judged_is_what_the_check_tells(contenders in some_contenders()) {
        let accepted: Vec<bool> = refused(&contenders).into_iter().zip(&contenders).map(|(refused, one)| !refused && !one.stays).collect();
        prop_assert!(!is_blocked(&contenders, &accepted), "{contenders:?} {accepted:?}");
        let wanted: Vec<bool> = contenders.iter().map(|one| !one.stays).collect();
        prop_assert_eq!(is_blocked(&contenders, &wanted), accepted != wanted);
    }
}
