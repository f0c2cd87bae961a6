//! Enumerations that have a fixed spelling on the wire: one declaration gives the enum, its spellings and its parser.

/// A closed set of words of the dialect.
pub trait WireEnum: Copy + Sized + 'static {
    /// Every value, in the order in which error messages list them.
    const ALL: &'static [Self];

    /// The spelling on the wire.
    fn as_str(self) -> &'static str;

    /// The value with this spelling, which must match exactly.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.as_str() == text)
    }
}

/// Declares an enum together with its spellings.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$vmeta])* #[doc = concat!("`", $text, "` on the wire.")] $variant,)+
        }

        impl $crate::WireEnum for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::WireEnum::as_str(*self))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::WireEnum::as_str(*self))
            }
        }
    };
}

pub(crate) use wire_enum;
