internal import CCurl
internal import RotationPorts

/// One of libcurl's easy handles, used for one transfer after the other. Belongs to the driver's thread.
final class EasyHandle {
  let pointer: UnsafeMutableRawPointer
  /// libcurl writes its own words about a failure here.
  private let errorText: UnsafeMutablePointer<CChar>

  /// A setting that libcurl refused.
  struct Refused: Error {
    let code: CURLcode
  }

  init?() {
    guard let pointer = curl_easy_init() else { return nil }
    self.pointer = pointer
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
  }

  deinit {
    curl_easy_cleanup(pointer)
    errorText.deallocate()
  }

  /// What libcurl wrote about the failure, visible ASCII only, empty when it wrote nothing.
  var errorDetail: String {
    let text = String(cString: errorText).unicodeScalars.prefix(200)
    return String(String.UnicodeScalarView(text.filter { (0x20...0x7E).contains($0.value) }))
  }

  func number(_ info: CURLINFO) -> Int {
    var value = 0
    return ccurl_get_long(pointer, info, &value) == CURLE_OK ? value : 0
  }

  /// Takes back every setting and makes those for `transfer`. The handle must not outlive it in a multi
  /// handle without `release` being called.
  func prepare(
    for transfer: Transfer, _ configuration: HTTPClientConfiguration, remaining: Duration
  ) throws(Refused) {
    curl_easy_reset(pointer)
    errorText.pointee = 0
    try set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
    try set(CURLOPT_NOSIGNAL, 1)
    // Else removing a transfer would wait for its name lookup, and every other transfer with it.
    try set(CURLOPT_QUICK_EXIT, 1)
    try check(ccurl_close_sockets_on_exec(pointer))
    try setConnection(transfer.request, configuration, remaining: remaining)
    try setTrust(configuration.tls)
    try setRequest(transfer.request)
    try setHeaders(of: transfer)
    try setCallbacks(for: transfer)
  }

  /// Lets go of everything that belongs to the transfer.
  func release(_ transfer: Transfer) {
    curl_easy_reset(pointer)
    ccurl_wipe_headers(transfer.headerList)
    transfer.headerList = nil
  }

  private func setConnection(
    _ request: HTTPRequest, _ configuration: HTTPClientConfiguration, remaining: Duration
  ) throws(Refused) {
    try set(CURLOPT_URL, request.url)
    try set(CURLOPT_USERAGENT, configuration.userAgent)
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_FOLLOWLOCATION, 0)
    // An empty proxy also keeps libcurl from reading one from the environment.
    try set(CURLOPT_PROXY, "")
    try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    try set(CURLOPT_HTTP09_ALLOWED, 0)
    // The first requests wait for the handshake to tell HTTP/2 from HTTP/1.1 instead of opening a connection
    // each. Without TLS libcurl would wait for the first answer, which may never come.
    let isPlain = request.url.prefix(5).lowercased() == "http:"
    try set(CURLOPT_PIPEWAIT, isPlain ? 0 : 1)
    try set(CURLOPT_MAXAGE_CONN, Int(max(1, configuration.maximumIdle.components.seconds)))
    try set(CURLOPT_TIMEOUT_MS, EasyHandle.milliseconds(remaining))
    let connectTimeout = min(request.connectTimeout ?? configuration.connectTimeout, remaining)
    try set(CURLOPT_CONNECTTIMEOUT_MS, EasyHandle.milliseconds(connectTimeout))
    if let unixSocket = request.unixSocket { try set(CURLOPT_UNIX_SOCKET_PATH, unixSocket) }
    if request.freshConnection {
      try set(CURLOPT_FRESH_CONNECT, 1)
      try set(CURLOPT_FORBID_REUSE, 1)
    }
  }

  private func setTrust(_ tls: HTTPClientConfiguration.TLS) throws(Refused) {
    try set(CURLOPT_SSL_VERIFYPEER, 1)
    try set(CURLOPT_SSL_VERIFYHOST, 2)
    try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    if let authorityFile = tls.authorityFile {
      try set(CURLOPT_CAINFO, authorityFile)
      // Else the system's folder of CAs would go on being trusted beside the file.
      try set(CURLOPT_CAPATH, nil as String?)
    }
    if let certificateFile = tls.certificateFile { try set(CURLOPT_SSLCERT, certificateFile) }
    if let keyFile = tls.keyFile { try set(CURLOPT_SSLKEY, keyFile) }
  }

  private func setRequest(_ request: HTTPRequest) throws(Refused) {
    let hasBody = request.body != nil || request.method == .post || request.method == .patch
    try set(hasBody ? CURLOPT_POST : CURLOPT_HTTPGET, 1)
    if hasBody {
      // Never POSTFIELDS: libcurl would send those again without asking.
      let code = ccurl_set_offset(pointer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body?.count ?? 0))
      try check(code)
    }
    if request.method != (hasBody ? .post : .get) {
      try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
    }
    let limit = curl_off_t(max(0, request.maximumResponseBytes))
    try check(ccurl_set_offset(pointer, CURLOPT_MAXFILESIZE_LARGE, limit))
  }

  private func setHeaders(of transfer: Transfer) throws(Refused) {
    let request = transfer.request
    // A waiting `Expect: 100-continue` would cost a round trip for each body. libcurl signs what is left out as well, which
    // nobody who checks the signature can see; it asks so for bodies of more than a mebibyte only.
    if !request.isSigned { try push(transfer) { ccurl_push_suppressed_header($0, "Expect") } }
    if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
      try push(transfer) { ccurl_push_suppressed_header($0, "Content-Type") }
    }
    for header in request.headers {
      var value = header.value
      try push(transfer) { list in
        value.withUTF8 { ccurl_push_header(list, header.name, "", $0.baseAddress, $0.count) }
      }
    }
    if case .awsSignature(let region, let service, let keyID, let secret) = request.authorization {
      try set(CURLOPT_AWS_SIGV4, "aws:amz:\(region):\(service)")
      try setCredential(keyID, secret)
    } else if let authorization = request.authorization {
      try push(transfer) { list in
        authorization.secret.withUnsafeBytes { bytes in
          ccurl_push_header(
            list, authorization.headerName, authorization.valuePrefix, bytes.baseAddress, bytes.count)
        }
      }
    }
    try check(ccurl_set_list(pointer, CURLOPT_HTTPHEADER, transfer.headerList))
  }

  private func setCredential(_ name: String, _ secret: Secret) throws(Refused) {
    var name = name
    let head = name.withUTF8 { Array($0) } + [UInt8(ascii: ":")]
    let text = UnsafeMutableRawBufferPointer.allocate(byteCount: head.count + secret.count + 1, alignment: 1)
    defer {
      Secret.wipe(text)
      text.deallocate()
    }
    text.copyBytes(from: head)
    secret.withUnsafeBytes { text[head.count...].copyBytes(from: $0) }
    text[text.count - 1] = 0
    try check(
      ccurl_set_text(pointer, CURLOPT_USERPWD, text.baseAddress?.assumingMemoryBound(to: CChar.self)))
  }

  private func push(
    _ transfer: Transfer,
    _ header: (UnsafeMutablePointer<curl_slist>?) -> UnsafeMutablePointer<curl_slist>?
  ) throws(Refused) {
    guard let list = header(transfer.headerList) else { throw Refused(code: CURLE_OUT_OF_MEMORY) }
    transfer.headerList = list
  }

  private func setCallbacks(for transfer: Transfer) throws(Refused) {
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    try set(CURLOPT_WRITEDATA, context)
    try set(CURLOPT_HEADERDATA, context)
    try set(CURLOPT_READDATA, context)
    try set(CURLOPT_SEEKDATA, context)
    try set(CURLOPT_PREREQDATA, context)
    try check(
      ccurl_set_data_function(pointer, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
        let isAccepted = EasyHandle.transfer(context)?.receiveBody(
          UnsafeRawBufferPointer(start: bytes, count: size * count))
        return isAccepted == true ? size * count : 0
      })
    try check(
      ccurl_set_data_function(pointer, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
        let isAccepted = EasyHandle.transfer(context)?.receiveHeader(
          UnsafeRawBufferPointer(start: bytes, count: size * count))
        return isAccepted == true ? size * count : 0
      })
    try check(
      ccurl_set_data_function(pointer, CURLOPT_READFUNCTION) { bytes, size, count, context in
        let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
        return EasyHandle.transfer(context)?.readBody(into: buffer) ?? Int(CURL_READFUNC_ABORT)
      })
    try check(
      ccurl_set_seek_function(pointer) { context, offset, origin in
        let isRewound =
          origin == SEEK_SET && EasyHandle.transfer(context)?.rewindBody(to: Int(offset)) == true
        return isRewound ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
      })
    try check(
      ccurl_set_prerequest_function(pointer) { context, _, _, _, _ in
        EasyHandle.transfer(context)?.mayStart() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
      })
  }

  private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }

  /// At least 1, because 0 means "for ever" to libcurl, and at most what its `int` holds.
  private static func milliseconds(_ span: Duration) -> Int {
    let whole = span / .milliseconds(1)
    return Int(min(max(whole.rounded(.up), 1), Double(Int32.max)))
  }

  private func set(_ option: CURLoption, _ value: Int) throws(Refused) {
    try check(ccurl_set_long(pointer, option, value))
  }

  private func set(_ option: CURLoption, _ value: String?) throws(Refused) {
    try check(ccurl_set_text(pointer, option, value))
  }

  private func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer) throws(Refused) {
    try check(ccurl_set_pointer(pointer, option, value))
  }

  private func check(_ code: CURLcode) throws(Refused) {
    guard code == CURLE_OK else { throw Refused(code: code) }
  }
}
