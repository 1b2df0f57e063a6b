// What a fault does to an answer: before it has a wire shape, and on the wire.
#pragma once

#include <optional>

#include "tests/support/fake_teacher/compose.h"
#include "tests/support/fake_teacher/script.h"
#include "tests/support/fake_teacher/shape.h"
#include "tests/support/http_reply.h"

namespace limbeck::testing {

// The error that stands in place of an answer; nothing where the request is served.
std::optional<WireError> RefusalOf(const Fault& fault);

// What is wrong with what is said.
void Falsify(const Fault& fault, Reply* reply);

// What is wrong with how it is sent.
void Damage(const Fault& fault, HttpReply* reply);

}  // namespace limbeck::testing
