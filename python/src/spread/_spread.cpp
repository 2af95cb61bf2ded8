// The part of the Python module that is C++: a session whose events are plain tuples. Everything
// that can be said in Python is said there; this file only crosses the border.
//
// Limited API of Python 3.9, so that one build serves that version and all later ones.

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "spread/session.hpp"

namespace {

using namespace spread;
using Clock = std::chrono::steady_clock;

/// Owns a reference.
class Ref {
  public:
    Ref() = default;
    explicit Ref(PyObject* owned) : object_(owned) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    Ref(const Ref&) = delete;
    Ref& operator=(const Ref&) = delete;
    ~Ref() { Py_XDECREF(object_); }

    [[nodiscard]] PyObject* get() const { return object_; }
    [[nodiscard]] PyObject* release() { return std::exchange(object_, nullptr); }
    [[nodiscard]] explicit operator bool() const { return object_ != nullptr; }

  private:
    PyObject* object_ = nullptr;
};

PyObject* new_ref(PyObject* object) {
    Py_INCREF(object);
    return object;
}

/// Other threads of Python run meanwhile.
class WithoutLock {
  public:
    WithoutLock() : state_(PyEval_SaveThread()) {}
    ~WithoutLock() { PyEval_RestoreThread(state_); }
    WithoutLock(const WithoutLock&) = delete;
    WithoutLock& operator=(const WithoutLock&) = delete;

  private:
    PyThreadState* state_;
};

/// Raises spread.error, or the subclass for the code: what `_raise` in errors.py decides.
PyObject* g_raise = nullptr;

PyObject* raise(const Error& error) {
    const Ref result(
        PyObject_CallFunction(g_raise, "is", static_cast<int>(error.code), error.text.c_str()));
    return nullptr;
}

struct SessionObject {
    PyObject_HEAD std::shared_ptr<Session>*
        session;  // shared with calls under way in other threads
    int descriptor;
    int names_are_bytes;
};

SessionObject* as_session(PyObject* object) {
    // Python's objects begin with their header; this is how its API hands them out.
    return reinterpret_cast<SessionObject*>(object);
}

std::shared_ptr<Session> session_of(PyObject* self) {
    return *as_session(self)->session;
}

// ---- From C++ to Python ----

PyObject* make_bytes(std::span<const std::byte> bytes) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()),
                                     static_cast<Py_ssize_t>(bytes.size()));
}

PyObject* make_name(std::string_view name, bool as_bytes) {
    const auto size = static_cast<Py_ssize_t>(name.size());
    return as_bytes ? PyBytes_FromStringAndSize(name.data(), size)
                    : PyUnicode_DecodeUTF8(name.data(), size, "surrogateescape");
}

/// A tuple of what `make` makes of each element; null when one of them fails.
template <typename List, typename Make>
PyObject* make_tuple(const List& list, Make make) {
    Ref tuple(PyTuple_New(static_cast<Py_ssize_t>(list.size())));
    Py_ssize_t index = 0;
    for (const auto& element : list) {
        PyObject* made = tuple ? make(element) : nullptr;
        if (made == nullptr) {
            return nullptr;
        }
        PyTuple_SetItem(tuple.get(), index++, made);
    }
    return tuple.release();
}

PyObject* make_names(const std::vector<std::string>& names, bool as_bytes) {
    return make_tuple(names,
                      [as_bytes](const std::string& name) { return make_name(name, as_bytes); });
}

/// An event as a tuple that begins with its number in the variant. "N" takes the reference over and
/// passes a failure on.
struct MakeEvent {
    bool as_bytes;

    PyObject* name(std::string_view text) const { return make_name(text, as_bytes); }
    PyObject* names(const std::vector<std::string>& list) const {
        return make_names(list, as_bytes);
    }

    PyObject* operator()(const Message& m) const {
        return Py_BuildValue("iNNNiiIi", 0, name(m.sender), names(m.groups), make_bytes(m.body),
                             int{m.mess_type}, m.endian_mismatch ? 1 : 0,
                             static_cast<unsigned>(m.service), m.self_discard ? 1 : 0);
    }
    PyObject* operator()(const Membership& m) const {
        return Py_BuildValue("iNI(iii)NNn", 1, name(m.group), static_cast<unsigned>(m.cause),
                             m.id.proc_id, m.id.time, m.id.index, names(m.members),
                             make_tuple(m.vs_sets, [this](const auto& set) { return names(set); }),
                             static_cast<Py_ssize_t>(m.own_vs_set));
    }
    PyObject* operator()(const Transition& t) const {
        return Py_BuildValue("iN(iii)", 2, name(t.group), t.id.proc_id, t.id.time, t.id.index);
    }
    PyObject* operator()(const SelfLeave& l) const { return Py_BuildValue("iN", 3, name(l.group)); }
    PyObject* operator()(const Rejected& r) const {
        return Py_BuildValue("iINiN", 4, r.type, names(r.groups), int{r.mess_type},
                             make_bytes(r.body));
    }
    PyObject* operator()(const Disconnected& d) const {
        PyObject* unsent = make_tuple(d.unsent, [this](const Unsent& u) {
            return Py_BuildValue("KINiN", static_cast<unsigned long long>(u.sequence), u.type,
                                 names(u.groups), int{u.mess_type}, make_bytes(u.body));
        });
        return Py_BuildValue("iisNiKN", 5, static_cast<int>(d.error.code), d.error.text.c_str(),
                             name(d.private_group), d.will_reconnect ? 1 : 0,
                             static_cast<unsigned long long>(d.handed_over), unsent);
    }
    PyObject* operator()(const Reconnected& r) const {
        return Py_BuildValue("isNN", 6, r.address.c_str(), name(r.private_group),
                             names(r.rejoining));
    }
};

PyObject* make_event(PyObject* self, const Event& event) {
    return std::visit(MakeEvent{as_session(self)->names_are_bytes != 0}, event);
}

PyObject* done_or_raise(const Result<void>& done) {
    return done ? new_ref(Py_None) : raise(done.error());
}

// ---- From Python to C++ ----

std::chrono::milliseconds milliseconds(double seconds) {
    constexpr double kLongest = 1e9;
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(std::clamp(seconds, 0.0, kLongest) * 1000));
}

/// The elements of a tuple or list of bytes objects.
bool read_names(PyObject* sequence, std::vector<std::string>& names) {
    const Py_ssize_t count = PySequence_Size(sequence);
    for (Py_ssize_t i = 0; i < count; ++i) {
        const Ref item(PySequence_GetItem(sequence, i));
        char* text = nullptr;
        Py_ssize_t size = 0;
        if (!item || PyBytes_AsStringAndSize(item.get(), &text, &size) != 0) {
            return false;
        }
        names.emplace_back(text, static_cast<std::size_t>(size));
    }
    return count >= 0;
}

// ---- The session ----

PyObject* g_session_type = nullptr;

// Long: one argument after the other.
PyObject* connect(PyObject* /*module*/, PyObject* arguments) {
    PyObject* servers = nullptr;
    const char* name = nullptr;
    Py_ssize_t name_size = 0;
    int priority = 0;
    int membership = 0;
    int names_are_bytes = 0;
    int shuffle = 0;
    double connect_timeout = 0;
    double send_timeout = 0;
    double ping_interval = 0;
    int pings_max = 0;
    Py_ssize_t queue_bytes = 0;
    Py_ssize_t queue_messages = 0;
    int rounds = 0;
    double wait_min = 0;
    double wait_max = 0;
    double name_in_use_max = 0;
    int may_change_name = 0;
    PyObject* methods = nullptr;
    const char* user = nullptr;
    Py_ssize_t user_size = 0;
    const char* password = nullptr;
    Py_ssize_t password_size = 0;
    PyObject* tls = nullptr;  // empty, or authority, certificate, key, server name
    if (PyArg_ParseTuple(arguments, "Oy#iiiidddinnidddiOy#y#O", &servers, &name, &name_size,
                         &priority, &membership, &names_are_bytes, &shuffle, &connect_timeout,
                         &send_timeout, &ping_interval, &pings_max, &queue_bytes, &queue_messages,
                         &rounds, &wait_min, &wait_max, &name_in_use_max, &may_change_name,
                         &methods, &user, &user_size, &password, &password_size, &tls) == 0) {
        return nullptr;
    }
    Options options;
    std::vector<std::string> secured;
    if (!read_names(servers, options.servers) || !read_names(methods, options.auth_methods) ||
        !read_names(tls, secured)) {
        return nullptr;
    }
    if (secured.size() == 4) {
        options.tls = {.ca_file = secured[0],
                       .certificate_file = secured[1],
                       .key_file = secured[2],
                       .server_name = secured[3]};
    }
    if (user_size + password_size > 0) {
        options.login = {.user = {user, static_cast<std::size_t>(user_size)},
                         .password = {password, static_cast<std::size_t>(password_size)}};
    }
    options.private_name.assign(name, static_cast<std::size_t>(name_size));
    options.priority = priority != 0;
    options.wants_membership = membership != 0;
    options.shuffle_servers = shuffle != 0;
    options.connect_timeout = milliseconds(connect_timeout);
    options.send_timeout = milliseconds(send_timeout);
    options.ping_interval = milliseconds(ping_interval);
    options.pings_max = pings_max;
    options.send_queue_bytes_max = static_cast<std::size_t>(queue_bytes);
    options.send_queue_messages_max = static_cast<std::size_t>(queue_messages);
    if (rounds != 0) {
        options.reconnect.emplace();
        options.reconnect->rounds_max = rounds;
        options.reconnect->wait_min = milliseconds(wait_min);
        options.reconnect->wait_max = milliseconds(wait_max);
        options.reconnect->name_in_use_max = milliseconds(name_in_use_max);
        options.reconnect->may_change_name = may_change_name != 0;
    }
    Result<std::shared_ptr<Session>> made = std::shared_ptr<Session>();
    Result<int> descriptor = -1;
    {
        const WithoutLock free;
        auto connected = Session::connect(std::move(options));
        if (connected) {
            made = std::make_shared<Session>(std::move(*connected));
            descriptor = (*made)->descriptor();
        } else {
            made = tl::unexpected(std::move(connected.error()));
        }
    }
    if (!made || !descriptor) {
        return raise(made ? descriptor.error() : made.error());
    }
    Ref object(PyType_GenericAlloc(reinterpret_cast<PyTypeObject*>(g_session_type), 0));
    if (object) {
        SessionObject* session = as_session(object.get());
        session->session = new std::shared_ptr<Session>(std::move(*made));
        session->descriptor = *descriptor;
        session->names_are_bytes = names_are_bytes;
    }
    return object.release();
}

void session_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    {
        const WithoutLock free;
        delete as_session(self)->session;
    }
    reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyObject* session_join(PyObject* self, PyObject* arguments) {
    const char* group = nullptr;
    Py_ssize_t size = 0;
    if (PyArg_ParseTuple(arguments, "y#", &group, &size) == 0) {
        return nullptr;
    }
    const auto session = session_of(self);
    Result<void> done;
    {
        const WithoutLock free;
        done = session->join({group, static_cast<std::size_t>(size)});
    }
    return done_or_raise(done);
}

PyObject* session_leave(PyObject* self, PyObject* arguments) {
    const char* group = nullptr;
    Py_ssize_t size = 0;
    if (PyArg_ParseTuple(arguments, "y#", &group, &size) == 0) {
        return nullptr;
    }
    const auto session = session_of(self);
    Result<void> done;
    {
        const WithoutLock free;
        done = session->leave({group, static_cast<std::size_t>(size)});
    }
    return done_or_raise(done);
}

/// multicast(service, self_discard, groups, body, mess_type, may_wait) -> sequence, or None when it
/// would have to wait and may not.
PyObject* session_multicast(PyObject* self, PyObject* arguments) {
    unsigned service = 0;
    int self_discard = 0;
    PyObject* group_list = nullptr;
    const char* body = nullptr;
    Py_ssize_t size = 0;
    int mess_type = 0;
    int may_wait = 1;
    if (PyArg_ParseTuple(arguments, "IiOy#ii", &service, &self_discard, &group_list, &body, &size,
                         &mess_type, &may_wait) == 0) {
        return nullptr;
    }
    std::vector<std::string> groups;
    if (!read_names(group_list, groups)) {
        return nullptr;
    }
    const std::vector<std::string_view> names(groups.begin(), groups.end());
    const Delivery delivery(static_cast<Service>(service), static_cast<std::int16_t>(mess_type),
                            self_discard != 0);
    const Body bytes(std::string_view(body, static_cast<std::size_t>(size)));
    const auto session = session_of(self);
    Result<std::uint64_t> sent = std::uint64_t{0};
    {
        const WithoutLock free;
        sent = may_wait != 0 ? session->multigroup_multicast(delivery, names, bytes)
                             : session->try_multigroup_multicast(delivery, names, bytes);
    }
    if (!sent) {
        return sent.error().code == ErrorCode::kWouldBlock ? new_ref(Py_None) : raise(sent.error());
    }
    return PyLong_FromUnsignedLongLong(*sent);
}

/// receive(timeout) -> event, or None when none came in time; timeout < 0: wait for ever. Signals
/// are served meanwhile, so that Ctrl-C works.
PyObject* session_receive(PyObject* self, PyObject* arguments) {
    double timeout = 0;
    if (PyArg_ParseTuple(arguments, "d", &timeout) == 0) {
        return nullptr;
    }
    const auto session = session_of(self);
    const auto deadline = Clock::now() + milliseconds(timeout);
    while (true) {
        Result<std::optional<Event>> event = std::nullopt;
        bool is_late = false;
        int failure = 0;
        {
            const WithoutLock free;
            event = session->try_receive();
            if (event && !*event) {
                const auto left =
                    std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
                is_late = timeout >= 0 && left.count() <= 0;
                constexpr std::int64_t kLongest = 1'000'000;
                pollfd wanted{as_session(self)->descriptor, POLLIN, 0};
                const int limit =
                    timeout < 0
                        ? -1
                        : static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kLongest));
                if (!is_late && poll(&wanted, 1, limit) < 0) {
                    failure = errno;
                }
            }
        }
        if (!event) {
            return raise(event.error());
        }
        if (*event) {
            return make_event(self, **event);
        }
        if (is_late) {
            return new_ref(Py_None);
        }
        if (failure == EINTR && PyErr_CheckSignals() != 0) {
            return nullptr;
        }
    }
}

/// flush(timeout) -> bytes that still wait.
PyObject* session_flush(PyObject* self, PyObject* arguments) {
    double timeout = 0;
    if (PyArg_ParseTuple(arguments, "d", &timeout) == 0) {
        return nullptr;
    }
    const auto session = session_of(self);
    Result<std::size_t> left = std::size_t{0};
    {
        const WithoutLock free;
        if (timeout > 0) {
            const auto done = session->flush(milliseconds(timeout));
            if (!done && done.error().code != ErrorCode::kTimedOut) {
                left = tl::unexpected(done.error());
            } else {
                left = session->stats().queued_bytes;
            }
        } else {
            left = session->flush();
        }
    }
    return left ? PyLong_FromSize_t(*left) : raise(left.error());
}

PyObject* session_poll(PyObject* self, PyObject* /*none*/) {
    return PyLong_FromSize_t(session_of(self)->poll());
}

PyObject* session_fileno(PyObject* self, PyObject* /*none*/) {
    return PyLong_FromLong(as_session(self)->descriptor);
}

PyObject* session_room_fileno(PyObject* self, PyObject* /*none*/) {
    const auto descriptor = session_of(self)->room_descriptor();
    return descriptor ? PyLong_FromLong(*descriptor) : raise(descriptor.error());
}

PyObject* session_close(PyObject* self, PyObject* /*none*/) {
    const auto session = session_of(self);
    {
        const WithoutLock free;
        session->close();
    }
    return new_ref(Py_None);
}

PyObject* session_private_group(PyObject* self, PyObject* /*none*/) {
    return make_name(session_of(self)->private_group(), as_session(self)->names_are_bytes != 0);
}

PyObject* session_address(PyObject* self, PyObject* /*none*/) {
    return make_name(session_of(self)->address(), false);
}

PyObject* session_daemon_version(PyObject* self, PyObject* /*none*/) {
    const auto version = session_of(self)->daemon_version();
    return Py_BuildValue("(iii)", version.major, version.minor, version.patch);
}

/// 0 connected, 1 reconnecting, 2 ended, 3 closed.
PyObject* session_state(PyObject* self, PyObject* /*none*/) {
    return PyLong_FromLong(static_cast<long>(session_of(self)->state()));
}

PyObject* session_stats(PyObject* self, PyObject* /*none*/) {
    const auto stats = session_of(self)->stats();
    using Number = unsigned long long;
    return Py_BuildValue("(KKKKKKK)", Number{stats.messages_in}, Number{stats.bytes_in},
                         Number{stats.messages_out}, Number{stats.bytes_out},
                         Number{stats.reconnects}, Number{stats.queued_messages},
                         Number{stats.queued_bytes});
}

PyObject* set_raise(PyObject* /*module*/, PyObject* function) {
    PyObject* old = std::exchange(g_raise, new_ref(function));
    Py_XDECREF(old);
    return new_ref(Py_None);
}

/// Sessions come from connect() only.
PyObject* session_new(PyTypeObject* /*type*/, PyObject* /*arguments*/, PyObject* /*keywords*/) {
    PyErr_SetString(PyExc_TypeError, "sessions are made by connect()");
    return nullptr;
}

PyMethodDef session_methods[] = {
    {"join", session_join, METH_VARARGS, nullptr},
    {"leave", session_leave, METH_VARARGS, nullptr},
    {"multicast", session_multicast, METH_VARARGS, nullptr},
    {"receive", session_receive, METH_VARARGS, nullptr},
    {"flush", session_flush, METH_VARARGS, nullptr},
    {"poll", session_poll, METH_NOARGS, nullptr},
    {"fileno", session_fileno, METH_NOARGS, nullptr},
    {"room_fileno", session_room_fileno, METH_NOARGS, nullptr},
    {"close", session_close, METH_NOARGS, nullptr},
    {"private_group", session_private_group, METH_NOARGS, nullptr},
    {"address", session_address, METH_NOARGS, nullptr},
    {"daemon_version", session_daemon_version, METH_NOARGS, nullptr},
    {"state", session_state, METH_NOARGS, nullptr},
    {"stats", session_stats, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot session_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(session_dealloc)},
    {Py_tp_new, reinterpret_cast<void*>(session_new)},
    {Py_tp_methods, session_methods},
    {0, nullptr},
};

PyType_Spec session_spec = {"spread._spread.Session", sizeof(SessionObject), 0, Py_TPFLAGS_DEFAULT,
                            session_slots};

PyMethodDef module_methods[] = {
    {"connect", connect, METH_VARARGS, nullptr},
    {"set_raise", set_raise, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module_definition = {PyModuleDef_HEAD_INIT,
                                 "spread._spread",
                                 nullptr,
                                 -1,
                                 module_methods,
                                 nullptr,
                                 nullptr,
                                 nullptr,
                                 nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__spread() {
    Ref module(PyModule_Create(&module_definition));
    g_session_type = PyType_FromSpec(&session_spec);
    if (!module || g_session_type == nullptr ||
        PyModule_AddObject(module.get(), "Session", new_ref(g_session_type)) != 0) {
        return nullptr;
    }
    return module.release();
}
