//! Output, piece by piece.

use master::history::HistoryError;
use shared::{
    report::{CHUNK_BYTES_MAX, Gap, OutputSize, Stream},
    run::State,
};

use crate::{
    databases::Database,
    sample::{chunk, in_state, run},
};

pub async fn output_is_kept_in_order(db: &Database) {
    let (mine, other) = (run(1, 0), run(2, 0));
    let bytes: Vec<u8> = (0..CHUNK_BYTES_MAX).map(|n| (n * 7 + n / 256) as u8).collect();
    let mut chunks: Vec<_> = (0..64)
        .map(|seq| chunk(&mine, seq, format!("line {seq}\n").as_bytes()))
        .collect();
    chunks[5] = chunk(&mine, 5, &bytes);
    chunks[6] = chunk(&mine, 6, b"");
    chunks[7].stream = Stream::Stderr;
    chunks[8].stream = Stream::Note;
    let mut mixed = chunks.clone();
    mixed.reverse();
    mixed.push(chunk(&other, 0, b"theirs"));
    // Output may come before its run is known, and again.
    db.history.record(&[], &mixed).await.unwrap();
    db.history
        .record(&[mine.clone(), other.clone()], &mixed)
        .await
        .unwrap();
    let changed = chunk(&mine, 3, b"what came first stays");
    db.history.record(&[], &[changed]).await.unwrap();

    assert_eq!(db.history.output(mine.id, 0, 1000).await.unwrap(), chunks);
    assert_eq!(db.history.output(mine.id, 60, 2).await.unwrap(), chunks[60..62]);
    assert_eq!(db.history.output(mine.id, 64, 2).await.unwrap(), vec![]);
    assert_eq!(db.history.output(other.id, 0, 9).await.unwrap().len(), 1);
}

pub async fn the_middle_of_output_is_deleted(db: &Database) {
    let running = in_state(&run(1, 0), State::Running);
    let chunks: Vec<_> = (0..10).map(|seq| chunk(&running, seq, &[seq as u8])).collect();
    db.history
        .record(std::slice::from_ref(&running), &chunks[..8])
        .await
        .unwrap();
    let mut done = run(1, 0);
    done.output = OutputSize {
        bytes: 10,
        dropped: 4,
        gap: Some(Gap { from: 3, until: 7 }),
    };
    db.history
        .record(std::slice::from_ref(&done), &chunks[8..])
        .await
        .unwrap();
    let seqs = async || -> Vec<u64> {
        let output = db.history.output(done.id, 0, 100).await.unwrap();
        output.iter().map(|chunk| chunk.seq).collect()
    };
    assert_eq!(seqs().await, [0, 1, 2, 7, 8, 9]);
    // A piece of the middle that comes late is not kept.
    db.history.record(&[], &chunks).await.unwrap();
    assert_eq!(seqs().await, [0, 1, 2, 7, 8, 9]);
    db.history
        .record(std::slice::from_ref(&done), &chunks)
        .await
        .unwrap();
    assert_eq!(seqs().await, [0, 1, 2, 7, 8, 9]);
}

pub async fn a_batch_is_all_or_none(db: &Database) {
    let (good, mut bad) = (run(1, 0), chunk(&run(1, 0), 0, b"x"));
    bad.data = "not base64!".into();
    let refused = db
        .history
        .record(std::slice::from_ref(&good), &[bad.clone()])
        .await;
    assert!(matches!(refused, Err(HistoryError::Invalid(_))), "{refused:?}");
    let mut large = chunk(&good, 0, &vec![0; CHUNK_BYTES_MAX + 1]);
    let refused = db
        .history
        .record(std::slice::from_ref(&good), std::slice::from_ref(&large))
        .await;
    assert!(matches!(refused, Err(HistoryError::Invalid(_))), "{refused:?}");
    large.seq = u64::MAX;
    large.data.clear();
    let refused = db.history.record(std::slice::from_ref(&good), &[large]).await;
    assert!(matches!(refused, Err(HistoryError::Invalid(_))), "{refused:?}");
    assert_eq!(db.history.run(good.id).await.unwrap(), None);
}
