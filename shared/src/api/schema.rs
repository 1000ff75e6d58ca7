//! How the OpenAPI document shows the types that are written as plain text, or whose
//! written form is a type of its own.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type},
    },
};

use crate::{
    calendar::{Day, Moment},
    id::{CalendarName, GroupName, JobId, JobName, JobPath, MasterId, Namespace, NodeId, RunId},
    schedule::Zone,
    target::{Place, Selector},
    time::Time,
    units::{Size, Span},
};

macro_rules! text {
    ($($type:ty: $description:literal, $example:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String);
                text.description(Some($description)).examples([$example]).into()
            }
        }
        impl ToSchema for $type {}
    )*};
}

text! {
    JobId: "A job's id (ULID). It survives renames.", "01HV5TQ4WM0000000000000000";
    RunId: "A run's id (ULID): its time part is the scheduled instant.", "01HV5TQ4WM0000000000000001";
    JobName: "Letters, digits, `-`, `_`, `.`; at most 128.", "backup-db";
    Namespace: "Letters, digits, `-`, `_`, `.`; at most 64.", "ops";
    NodeId: "A node's stable id.", "db1";
    CalendarName: "A calendar's name: letters, digits, `-`, `_`, `.`; at most 64.", "holidays";
    Day: "A whole local day: a date, or month and day for each year.", "2026-12-25";
    Moment: "A local date (whole), a local time, or an instant with an offset.", "2026-12-24T18:00";
    GroupName: "A node group's name.", "databases";
    MasterId: "A master's id.", "m1";
    JobPath: "`namespace/name`.", "ops/backup-db";
    Selector: "A label selector: terms that must all hold.", "role=db,!canary,zone in (a,b)";
    Span: "A duration with units: w, d, h, m, s, ms.", "1h30m";
    Size: "A size with a unit.", "10MiB";
    Zone: "A time zone of the IANA database.", "Asia/Shanghai";
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        text.description(Some("An instant, RFC 3339 in UTC with milliseconds."))
            .examples(["2026-01-31T02:30:00.000Z"])
            .into()
    }
}

impl ToSchema for Time {}

impl PartialSchema for Place {
    fn schema() -> RefOr<Schema> {
        let word = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["every", "one"]));
        let count = || {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1))
                .maximum(Some(1000))
        };
        let shards = ObjectBuilder::new()
            .property("shards", count())
            .required("shards");
        OneOfBuilder::new()
            .item(word)
            .item(count())
            .item(shards)
            .description(Some(
                "Each matching node, one, so many distinct ones, or so many slots.",
            ))
            .into()
    }
}

impl ToSchema for Place {}

/// A type that is written as another one (its form in the job file).
macro_rules! written_as {
    ($type:ty, $file:ty) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                <$file as utoipa::PartialSchema>::schema()
            }
        }
        impl utoipa::ToSchema for $type {
            fn schemas(
                all: &mut Vec<(
                    String,
                    utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
                )>,
            ) {
                <$file as utoipa::ToSchema>::schemas(all)
            }
        }
    };
}

pub(crate) use written_as;
