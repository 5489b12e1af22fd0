//! Draws a text as a QR code: for a terminal, as a PNG, as an SVG.

use std::io::Cursor;

use image::{ImageError, ImageFormat, Luma};
use qrcode::render::svg;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use thiserror::Error;

/// The QR code of a text.
// The code reveals its text, which contains a PoP.
#[derive(derive_more::Debug)]
#[debug("Drawing(<redacted>)")]
pub struct Drawing(QrCode);

/// The colors of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Light text on a dark background, as in most terminals: the text draws the light part of the code.
    LightOnDark,
    /// Dark text on a light background.
    DarkOnLight,
}

/// A text that is too long for a QR code.
#[derive(Debug, Error)]
#[error("{length} bytes are more than a QR code holds")]
pub struct TooLong {
    /// Of the text, in bytes.
    pub length: usize,
}

impl Drawing {
    /// Encodes a text.
    pub fn of(text: &str) -> Result<Self, TooLong> {
        QrCode::with_error_correction_level(text, EcLevel::M)
            .map(Self)
            .map_err(|_| TooLong { length: text.len() })
    }

    /// Draws lines of half blocks, with the quiet zone.
    pub fn lines(&self, terminal: Terminal) -> Vec<String> {
        let (dark, light) = match terminal {
            Terminal::LightOnDark => (Dense1x2::Light, Dense1x2::Dark),
            Terminal::DarkOnLight => (Dense1x2::Dark, Dense1x2::Light),
        };
        let mut renderer = self.0.render::<Dense1x2>();
        let text = renderer
            .dark_color(dark)
            .light_color(light)
            .module_dimensions(1, 1)
            .build();
        text.lines().map(str::to_owned).collect()
    }

    /// Draws a PNG, black on white.
    pub fn png(&self) -> Result<Vec<u8>, ImageError> {
        let mut renderer = self.0.render::<Luma<u8>>();
        let picture = renderer.module_dimensions(SIZE, SIZE).build();
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner())
    }

    /// Draws an SVG, black on white.
    pub fn svg(&self) -> String {
        self.0
            .render::<svg::Color<'_>>()
            .module_dimensions(SIZE, SIZE)
            .build()
    }
}

/// The side of a module, in pixels.
const SIZE: u32 = 8;
