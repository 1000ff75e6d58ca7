use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use leptos::reactive::owner::Owner;

use super::*;

fn owned<R>(test: impl FnOnce() -> R) -> R {
    let owner = Owner::new();
    owner.with(test)
}

#[test]
fn a_signal_holds_what_was_set() {
    owned(|| {
        let signal = RwSignal::new(1);
        signal.set(2);
        signal.update(|n| *n += 1);
        assert_eq!((signal.get(), signal.with(|n| n * 2)), (3, 6));
        assert_eq!(signal.try_update(|n| std::mem::replace(n, 9)), Some(3));
        assert_eq!(signal.get_untracked(), 9);
    });
}

#[test]
fn a_memo_is_made_anew_only_when_what_it_read_became_another_value() {
    owned(|| {
        let (signal, made) = (RwSignal::new(4), Arc::new(AtomicUsize::new(0)));
        let is_even = Memo::new(move |_| signal.get() % 2 == 0);
        let counted = made.clone();
        let said = Memo::new(move |before: Option<&String>| {
            counted.fetch_add(1, Relaxed);
            let before = before.cloned().unwrap_or_default();
            format!("{before}{}", if is_even.get() { 'e' } else { 'o' })
        });
        assert_eq!(said.get(), "e");
        signal.set(6);
        assert_eq!((said.get(), made.load(Relaxed)), ("e".into(), 1));
        signal.set(7);
        assert_eq!((said.get(), made.load(Relaxed)), ("eo".into(), 2));
    });
}

#[test]
fn a_memo_may_tell_of_more_or_less_than_of_other_values() {
    owned(|| {
        let signal = RwSignal::new(Arc::new(1));
        let same = Memo::of_arc(move |_| signal.get());
        let always = Memo::always(move |_| {
            signal.track();
            0
        });
        let count = move || {
            let made = Arc::new(AtomicUsize::new(0));
            (made.clone(), made)
        };
        let ((by_same, a), (by_always, b)) = (count(), count());
        let after_same = Memo::new(move |_| {
            same.get();
            a.fetch_add(1, Relaxed);
        });
        let after_always = Memo::new(move |_| {
            always.get();
            b.fetch_add(1, Relaxed);
        });
        let look = || {
            after_same.get();
            after_always.get();
            (by_same.load(Relaxed), by_always.load(Relaxed))
        };
        assert_eq!(look(), (1, 1));
        let held = signal.get();
        signal.set(held);
        assert_eq!(look(), (1, 2), "the same `Arc`");
        signal.set(Arc::new(1));
        assert_eq!(look(), (2, 3), "another one with the same in it");
    });
}

#[test]
fn a_reader_does_not_know_what_it_reads_from() {
    owned(|| {
        let signal = RwSignal::new(String::from("a"));
        let memo = Memo::new(move |_| signal.get());
        let derived = Signal::derive(move || format!("{}b", memo.get()));
        let all: [Signal<String>; 4] = [signal.into(), memo.into(), derived, "c".into()];
        signal.set("x".into());
        assert_eq!(all.map(|each| each.get()), ["x", "x", "xb", "c"]);
        assert_eq!(all.map(|each| each.with_untracked(String::len)), [1, 1, 2, 1]);
    });
}

#[test]
fn what_is_gone_is_nothing_to_those_who_ask_with_care() {
    let owner = Owner::new();
    let (signal, stored) = owner.with(|| (RwSignal::new(1), StoredValue::new(String::from("a"))));
    assert_eq!(
        (signal.try_get(), stored.try_get_value()),
        (Some(1), Some("a".into()))
    );
    owner.cleanup();
    assert_eq!((signal.try_get_untracked(), stored.try_get_value()), (None, None));
    assert_eq!(signal.try_set(2), Some(2));
    assert_eq!(stored.try_set_value("b".into()), Some("b".into()));
    signal.set(3);
    stored.set_value("c".into());
}

#[test]
fn a_stored_value_is_changed_in_its_place() {
    owned(|| {
        let stored = StoredValue::new(vec![1]);
        stored.update_value(|all| all.push(2));
        assert_eq!(stored.try_update_value(Vec::pop), Some(Some(2)));
        // Reading within reading.
        assert_eq!(stored.with_value(|all| all.len() + stored.get_value().len()), 2);
    });
}
