/* version.h - the version of this program, in one place. */
#ifndef LILYPAD_CLI_VERSION_H
#define LILYPAD_CLI_VERSION_H

#define LILYPAD_VERSION "0.1.0"

#endif
