// Reads lists that the service gives page by page.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "cli/session.h"

namespace limbeck::cli {

// All pages as one response, at most `limit` items (0: all). `items` returns the response's
// repeated field, mutable.
template <typename Response, typename Stub, typename Request, typename Items>
absl::StatusOr<Response> ReadPages(Stub* stub,
                                   grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                const Request&, Response*),
                                   Request request, uint64_t limit, Items items) {
  constexpr uint32_t kPageSize = 1000;
  request.set_page_size(limit > 0 && limit < kPageSize ? static_cast<uint32_t>(limit) : kPageSize);
  Response all;
  for (;;) {
    auto page = Call(stub, method, request);
    if (!page.ok()) return page.status();
    for (auto& item : *items(&*page)) {
      if (limit > 0 && static_cast<uint64_t>(items(&all)->size()) >= limit) return all;
      *items(&all)->Add() = std::move(item);
    }
    if (page->next_page_token().empty()) return all;
    request.set_page_token(page->next_page_token());
  }
}

}  // namespace limbeck::cli
