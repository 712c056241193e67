#pragma once
// The C face of toml++: grown by TOMLReader's needs, nothing else imports it.
